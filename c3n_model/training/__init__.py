"""Train C3N: `loop` is the training loop, `run` a complete training. See docs/architecture.md."""
