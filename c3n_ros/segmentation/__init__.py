"""What the segmentation node is made of: inputs, threads, outputs, settings."""
