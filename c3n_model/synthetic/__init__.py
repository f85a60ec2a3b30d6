"""The made-up world: objects that look and sound, scenes of them, classifiers that know them."""
