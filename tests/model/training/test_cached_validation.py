"""The validation score from cached features is that of the frames, at the model's image size."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny import make_tiny_model

from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.scoring.metrics import count, frame_iou
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.cached_validation import cached_miou
from c3n_model.training.clips import masks_to_tensor
from c3n_model.training.features import cache_features

CPU = torch.device("cpu")


@pytest.mark.parametrize(("setting", "history"), [("ms3", 2), ("s4", 5)])
@torch.no_grad()
def test_it_is_the_miou_of_every_second_with_a_mask(tmp_path, setting, history):
    synthesize(tmp_path, setting, {"train": 1, "val": 2}, seed=0, progress=silent)
    clips, model = AVSBench(tmp_path, setting, "val", 32000), make_tiny_model()
    model = dataclasses.replace(model, config=dataclasses.replace(model.config, history=history))
    model.network.decoder.classify.bias += 2.3  # so that something is painted
    ious = []
    for clip in clips:
        frames, snippets = model.inputs(clip.frames, clip.snippets, CPU)
        masks = masks_to_tensor(clip.masks, model.config.image_size).numpy().astype(bool)
        for second in np.flatnonzero(clip.has_mask):
            first = max(0, second + 1 - history)
            seen = slice(first, second + 1) if history < len(frames) else slice(None)
            logits = model.network(frames[None, seen], snippets[None, seen])[0]
            painted = (logits[second - (seen.start or 0)] > 0).numpy()
            ious.append(frame_iou(count(painted[None], masks[None, second]))[0])
    kept = cache_features(model, [clips], tmp_path / "features", CPU, silent, flip=False, seed=0)
    assert 0 < np.mean(ious) < 1
    assert cached_miou(model, kept, CPU, silent) == pytest.approx(np.mean(ious), abs=1e-3)
