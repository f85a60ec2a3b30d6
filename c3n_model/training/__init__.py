"""Training C3N: `loop` is the loop, `run` a training from start to end. See docs/architecture.md."""
