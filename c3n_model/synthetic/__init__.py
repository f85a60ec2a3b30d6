"""The synthetic world: objects with an appearance and a sound, scenes of them, and pretrained classifiers."""
