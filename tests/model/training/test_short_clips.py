"""Clips cut to the seconds that a model processes together."""

import torch
from torch.utils.data import Dataset

from c3n_model.training.short_clips import ShortClips


class Five(Dataset):
    """Clips of five seconds, in which everything is the number of its second; `masked` seconds have a mask."""

    def __init__(self, masked):
        self.has_mask = torch.tensor([second in masked for second in range(5)])

    def __len__(self):
        return 50

    def __getitem__(self, key):
        return {"visual.0": torch.arange(5)[:, None]}, torch.arange(5), self.has_mask


def cuts(masked, history):
    clips = ShortClips(Five(masked), history, seed=0)
    return [clips[epoch, index] for epoch in (1, 2) for index in range(50)]


def test_all_parts_are_cut_alike_and_differently_in_each_epoch():
    found = cuts(range(5), 2)
    assert all(
        features["visual.0"][:, 0].tolist() == masks.tolist() and len(has) == 2 for features, masks, has in found
    )
    assert {masks[0].item() for _, masks, _ in found} == {0, 1, 2, 3}
    first = [masks.tolist() for _, masks, _ in found]
    assert first[:50] != first[50:] and first == [masks.tolist() for _, masks, _ in cuts(range(5), 2)]


def test_a_second_with_a_mask_is_always_among_them():
    assert {masks[0].item() for _, masks, _ in cuts({0}, 3)} == {0}
    assert {masks[0].item() for _, masks, _ in cuts({4}, 2)} == {3}
    assert all(len(masks) == 5 for _, masks, _ in cuts({0}, 5))
