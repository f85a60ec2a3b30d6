"""The state of a training in one safetensors file, so that it can be interrupted at any time. Nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

from c3n_model.config import to_mapping
from c3n_model.training.identity import identity
from c3n_model.training.optimisation import Optimisation
from c3n_model.weights.tensors import load_weights, read_described, save_tensors

_KEY = "c3n_training"
_ADAM = ("step", "exp_avg", "exp_avg_sq")


class TrainingState:
    """The state file at `path`.

    `identity` describes everything besides the config that determines the training (data, initial weights), as
    JSON-serialisable values; a file with another identity is refused.
    """

    def __init__(self, path: Path, identity: dict):
        self.path, self.identity = path, identity

    def save(self, optimisation: Optimisation, history: list[dict], losses: list[float]) -> None:
        """Save everything needed to resume, atomically."""
        tensors = {f"network.{name}": value for name, value in optimisation.network.state_dict().items()}
        for name, parameter in optimisation.network.named_parameters():
            moments = optimisation.optimiser.state.get(parameter, {})
            tensors |= {f"adam.{name}.{part}": moments[part] for part in _ADAM if part in moments}
        about = {
            "identity": self._identity_of(optimisation),
            "updates": optimisation.updates,
            "history": history,
            "losses": losses,
        }
        save_tensors(self.path, tensors, {_KEY: about})

    def restore(self, optimisation: Optimisation) -> tuple[list[dict], list[float]]:
        """Restore the network and Adam; return the history and the losses of the interrupted epoch.

        Does nothing if there is no file.

        Raises:
            ValueError: the file is damaged or belongs to another training.
        """
        if not self.path.is_file():
            return [], []
        about, tensors = read_described(self.path, _KEY, "training state")
        expected, got = self._identity_of(optimisation), about["identity"]
        for key in {**expected, **got}:
            if got.get(key) != expected.get(key):
                raise ValueError(
                    f"{self.path} is the state of another training: its {key} is {got.get(key)}, expected "
                    f"{expected.get(key)}; choose another file with -o, or remove this one to start again"
                )
        own = {name.removeprefix("network."): value for name, value in tensors.items() if name.startswith("network.")}
        load_weights(optimisation.network, own, self.path)
        for name, parameter in optimisation.network.named_parameters():
            if f"adam.{name}.step" in tensors:
                moments = {part: tensors[f"adam.{name}.{part}"] for part in _ADAM}
                on_device = {part: value.to(parameter.device) for part, value in moments.items() if part != "step"}
                optimisation.optimiser.state[parameter] = {"step": moments["step"], **on_device}
        optimisation.updates = about["updates"]
        return about["history"], about["losses"]

    def _identity_of(self, optimisation: Optimisation) -> dict:
        return {**identity(to_mapping(optimisation.config)), "steps": optimisation.steps, **self.identity}
