"""Run an ONNX graph of one input `maps` in ONNX Runtime."""

import numpy as np
import pytest


def run(graph: bytes, maps: np.ndarray) -> np.ndarray:
    """Return its first result; the test is skipped without the runtime."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {"maps": maps})[0]
