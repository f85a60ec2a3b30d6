"""Sources of tensors: the manifest of pretrained files, downloads, our checkpoints and those of others."""
