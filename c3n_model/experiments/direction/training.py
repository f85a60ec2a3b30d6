"""Training of the network that says which bins are sound straight from its source (`c3n_model.direction.direct_sound`).

Each example is a second in a simulated room, with synthetic sounds, heard by one of the presets or by an array drawn at random. The network
learns that the response to the true direction exceeds those to others: the loss is the logistic one of the differences, so
that these become log odds. It is told nothing of the array but how far its phases agree, and so serves any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from c3n_model.direction.direct_sound import FEATURES, MOST, agreement_of, features
from c3n_model.direction.microphone_array import MicrophoneArray, load_array, preset_names
from c3n_model.direction.sound_bearing import spectra_of
from c3n_model.direction.steering import rays_of, steering_of, unit_vectors
from c3n_model.experiments.direction.bench import LEVEL, RATE, SIDE, heard_in_room
from c3n_model.experiments.direction.noises import microphone_noise, noise_from_all_sides
from c3n_model.experiments.direction.varied_sounds import varied_sound

OTHERS_DEG = (
    -10.0,
    10.0,
    -15.0,
    15.0,
    -30.0,
    30.0,
    -70.0,
    70.0,
    180.0,
)  # directions that shall lose, from the true one
HIDDEN = 12
BATCH, RATE_OF_LEARNING = 16, 4e-3


@dataclass(frozen=True)
class Example:
    """`features` float16 (FEATURES, f, t); `responses` float16 (f, t, 1 + others) of each bin to the true direction and to others;
    `count` of microphones."""

    features: np.ndarray
    responses: np.ndarray
    count: int


def draw_example(seed: int, number: int) -> Example:
    """Return example `number` of a seed: the first second of a sound, or its second one, so that echoes of the first are in it."""
    rng = np.random.default_rng([seed, number])
    array = _drawn_array(rng)
    reverberation_s, snr_db, distance = (rng.uniform(*limits) for limits in ((-0.1, 0.8), (-3.0, 40.0), (1.0, 4.0)))
    farthest, elevation = (SIDE, np.pi)[rng.integers(2)], rng.uniform(-0.2, 0.2)
    bearing = rng.uniform(-farthest, farthest)
    source = rays_of(np.array(bearing), np.array(elevation)) * distance
    sound = varied_sound(rng, RATE * int(rng.integers(1, 3)))
    heard = heard_in_room(array, max(reverberation_s, 0.0), sound, source, rng)[-RATE:]
    heard = heard * LEVEL / max(float(np.sqrt(np.square(heard).mean())), 1e-9)
    share = (0.0, 0.5, 1.0)[rng.integers(3)]
    noises = np.sqrt(share) * microphone_noise(rng, RATE, array.positions)
    noises = noises + np.sqrt(1 - share) * noise_from_all_sides(rng, RATE, RATE, array.positions)
    return _example(heard + noises * LEVEL * 10 ** (-snr_db / 20), array, bearing, elevation, rng)


def train(examples: list[Example], epochs: int, seed: int, show: Callable[[float], None]) -> dict[str, np.ndarray]:
    """Return the tensors of `direct_sound.WEIGHTS`; `show` is called with the mean loss of each epoch."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(FEATURES, HIDDEN, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(HIDDEN, HIDDEN, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(HIDDEN, 1, 1),
    )
    nn.init.constant_(network[-1].bias, -4.0)  # of thousands of bins, each counts little
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE_OF_LEARNING)
    steps = -(-len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps, RATE_OF_LEARNING / 100)
    for epoch in range(epochs):
        order, losses = np.random.default_rng([seed, epoch]).permutation(len(examples)), []
        for begin in range(0, len(order), BATCH):
            loss = loss_of(network, [examples[index] for index in order[begin : begin + BATCH]])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        show(float(np.mean(losses)))
    return _tensors(network)


def loss_of(network: nn.Module, examples: list[Example]) -> Tensor:
    """Return the mean logistic loss of the true directions against the others."""
    shapes = torch.from_numpy(np.stack([example.features for example in examples])).float()
    responses = torch.from_numpy(np.stack([example.responses for example in examples])).float()
    counts = torch.tensor([example.count for example in examples])
    weights = network(shapes)[:, 0].clamp(max=MOST).exp()
    scores = torch.einsum("nftk,nft->nk", responses, weights) * (counts - 1)[:, None]
    return nn.functional.softplus(scores[:, 1:] - scores[:, :1]).mean()


def _example(
    heard: np.ndarray, array: MicrophoneArray, bearing: float, elevation: float, rng: np.random.Generator
) -> Example:
    spectra, hertz, step_s = spectra_of(heard, RATE)
    steering = steering_of(array, hertz)
    unit, power = steering.whitened(spectra), np.square(np.abs(spectra)).mean(axis=-1)
    shapes = features(power, agreement_of(unit, steering.coarse, power), step_s)
    bearings = bearing + np.deg2rad([0.0, *OTHERS_DEG])
    elevations = np.array([elevation, *rng.uniform(-0.15, 0.15, len(OTHERS_DEG))])
    directions = unit_vectors(rays_of(bearings, elevations), array.positions, hertz, steering.whitening)
    responses = np.square(np.abs(unit @ directions.conj().transpose(0, 2, 1)))
    return Example(shapes.astype(np.float16), responses.astype(np.float16), len(array.channels))


def _drawn_array(rng: np.random.Generator) -> MicrophoneArray:
    """Return a preset, or in three of ten cases 2 to 6 microphones within 5 to 25 cm, on a circle or anywhere."""
    presets = preset_names()
    if rng.uniform() < 0.7:
        return load_array(presets[rng.integers(len(presets))])
    count, size = int(rng.integers(2, 7)), float(np.exp(rng.uniform(np.log(0.05), np.log(0.25))))
    if rng.uniform() < 0.5:
        angles = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count
        positions = np.stack([np.cos(angles), np.zeros(count), np.sin(angles)], axis=1) * size / 2
    else:
        positions = rng.uniform(-0.5, 0.5, (count, 3)) * [size, size / 5, size]
    try:
        return MicrophoneArray(positions, tuple(range(count)))
    except ValueError:  # nearly above each other
        return load_array(presets[0])


def _tensors(network: nn.Sequential) -> dict[str, np.ndarray]:
    """Return the weights as `direct_sound` multiplies them: kernels (f, t, in, out)."""
    first, second, last = (network[index] for index in (0, 2, 4))
    tensors = {"last.weight": last.weight[0, :, 0, 0], "last.bias": last.bias}
    for name, layer in (("first", first), ("second", second)):
        tensors |= {f"{name}.weight": layer.weight.permute(2, 3, 1, 0), f"{name}.bias": layer.bias}
    return {name: np.ascontiguousarray(tensor.detach().numpy()) for name, tensor in tensors.items()}
