"""Sources of tensors: the manifest of pretrained files, downloads, and checkpoints of this project and of others."""
