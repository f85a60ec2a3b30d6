"""A model that has learnt its robot's background before it is scored, as a node does on `~/learn_background`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from c3n_model.compose.noises import Noise
from c3n_model.experiments.zero_shot.streams import new_session, still_windows
from c3n_model.model import Model
from c3n_model.network.decoding import Decoding
from c3n_model.zero_shot.background import LEARNING_S, Background
from c3n_model.zero_shot.hearing import HearingMemory

# Other realisations of the motor than the one that is mixed into the scenes.
MOTORS = (Noise("motor", -30.0, "learnt first"), Noise("motor", -30.0, "learnt second"))
_NOTHING_TO_SEE = np.zeros((64, 64, 3), np.uint8)


class Accustomed(nn.Module):
    """A network with a memory that holds a background and nothing else: no frame depends on the result of another."""

    def __init__(self, network: nn.Module, background: Background):
        super().__init__()
        self.network, self._background = network, background

    def encode(self, frames: Tensor, snippets: Tensor) -> Any:
        """Encode as the network does."""
        return self.network.encode(frames, snippets)

    def decode(self, encoding: Any, selected: Tensor) -> Decoding:
        """Decode as the network does in a session that knows the background and shows nothing yet."""
        return self.network.decode(encoding, selected, HearingMemory(self._background))


@torch.no_grad()
def accustom(model: Model, device: str) -> Model:
    """Return `model` after LEARNING_S seconds of a motor alone; unchanged if it does not use a background."""
    make_memory = getattr(model.network, "new_memory", None)
    if make_memory is None or make_memory() is None:
        return model
    session = new_session(model, device)
    session.learn_background(LEARNING_S)
    motor = np.concatenate([noise.seconds(model.sample_rate) for noise in MOTORS])
    for window in still_windows(_NOTHING_TO_SEE, motor):
        session.step(window)
    assert session.background is not None and not session.background.is_learning
    return replace(model, network=Accustomed(session.network, session.background).eval())
