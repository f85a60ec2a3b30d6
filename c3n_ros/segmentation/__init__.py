"""Parts of the segmentation node: inputs, threads, outputs, settings."""
