"""A C3N outside of PyTorch: one step as a static ONNX graph, and the runtimes that run it."""
