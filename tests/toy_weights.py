"""A folder of weights for tests: toy files of the public names, of any size."""

from dataclasses import replace

from c3n_model.weights import manifest


def own_weights(folder, monkeypatch):
    """C3N_WEIGHTS is `folder`, beside an empty cache; sizes in the manifest hold for no file in it."""
    entries = {name: replace(file, bytes=None) for name, file in manifest.read_manifest().items()}
    monkeypatch.setattr(manifest, "read_manifest", lambda: entries)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setenv("C3N_WEIGHTS", str(folder))
