"""Everything that brings tensors in: manifest, download, files of our own and of others."""
