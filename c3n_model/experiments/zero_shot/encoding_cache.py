"""Cache encodings of images and sounds, because the benchmark shows every model the same ones repeatedly."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from c3n_model.model import Model

LIMIT_BYTES = 2**30  # per module of the network; a segmenter's masks of one image take about 20 MB


class CachedFunction:
    """A function of one tensor with a least-recently-used cache of results, by tensor content. Do not modify results."""

    def __init__(self, function: Callable[[Tensor], Any], limit_bytes: int = LIMIT_BYTES):
        self._function, self._limit_bytes = function, limit_bytes
        self._results: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def __getattr__(self, name: str):
        if name == "_function" or name.startswith("__"):  # a copy in the making has no function yet
            raise AttributeError(name)
        return getattr(self._function, name)

    def __call__(self, tensor: Tensor) -> Any:
        if torch.is_grad_enabled() and tensor.requires_grad:
            return self._function(tensor)
        content = tensor.detach().cpu().contiguous().numpy()
        key = hashlib.blake2b(content.tobytes() + repr((content.shape, content.dtype)).encode()).digest()
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key][0]
        result = self._function(tensor)
        size = _size_bytes(result)
        self._results[key], self._bytes = (result, size), self._bytes + size
        while self._bytes > self._limit_bytes and len(self._results) > 1:
            self._bytes -= self._results.popitem(last=False)[1][1]
        return result


def _size_bytes(result: Any) -> int:
    if isinstance(result, (tuple, list)):
        return sum(map(_size_bytes, result))
    return result.nbytes if isinstance(result, Tensor) else 0


def cache_encodings(model: Model) -> None:
    """Cache the results of the model's audio encoder, visual encoder, segmenter and detector, or of those of its parts. In
    place."""
    for network in getattr(model.network, "parts", (model.network,)):
        _cache_parts(network)


def _cache_parts(network: nn.Module) -> None:
    for name in ("audio_encoder", "visual_encoder", "segmenter", "detector"):
        module = getattr(network, name, None)
        if isinstance(module, nn.Module):
            module.forward = CachedFunction(module.forward)
        elif module is not None:
            setattr(network, name, CachedFunction(module))
