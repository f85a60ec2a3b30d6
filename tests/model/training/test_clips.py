"""Order and augmentation depend only on the seed, the epoch and the clip."""

import pytest
import torch

from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.clips import TrainingClips, micro_batch_keys, updates_per_epoch
from c3n_model.training.distributed import Group


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    synthesize(folder, "ms3", {"train": 2}, seed=0, progress=silent)
    return AVSBench(folder, "ms3", "train", 32000)


def test_flip_turns_the_whole_clip(clips):
    plain = TrainingClips(clips, 64, TrainConfig(flip=False, color_jitter=False))[1, 0]
    flipping = TrainingClips(clips, 64, TrainConfig(flip=True, color_jitter=False))
    seen = [flipping[epoch, 0] for epoch in range(1, 13)]
    flipped = [not torch.equal(frames, plain[0]) for frames, *_ in seen]
    assert any(flipped)
    assert not all(flipped)
    for (frames, _, masks, _), is_flipped in zip(seen, flipped, strict=True):
        assert torch.equal(frames, plain[0].flip(-1) if is_flipped else plain[0])
        assert torch.equal(masks, plain[2].flip(-1) if is_flipped else plain[2])


def test_snippets_are_spaced_as_in_scoring(clips):
    plain, spaced = (TrainingClips(clips, 64, TrainConfig(), spacing_s)[1, 0][1] for spacing_s in (1.0, 0.96))
    sound = plain.flatten()
    assert torch.equal(plain, torch.from_numpy(clips[0].snippets))
    assert all(torch.equal(spaced[second], sound[second * 30_720 :][:32_000]) for second in range(5))


def test_jitter_is_drawn_for_each_frame_and_epoch_and_repeats(clips):
    jittering = TrainingClips(clips, 64, TrainConfig(flip=False))
    plain = TrainingClips(clips, 64, TrainConfig(flip=False, color_jitter=False))[1, 0][0]
    first, again, other = (jittering[epoch, 0][0] for epoch in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    changes = (first - plain).abs().mean(dim=(1, 2, 3))
    assert len(set(changes.tolist())) == len(plain), "each frame has its own"


def test_loading_a_clip_leaves_the_generator_alone(clips):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    TrainingClips(clips, 64, TrainConfig())[1, 0]
    assert torch.equal(torch.rand(3), expected)


def test_every_clip_occurs_once_per_epoch():
    parts = list(micro_batch_keys(10, TrainConfig(epochs=2, batch_size=5)))
    assert [len(part) for part in parts] == [5, 5, 5, 5]
    for epoch in (1, 2):
        assert sorted(key for part in parts for key in part if key[0] == epoch) == [
            (epoch, index) for index in range(10)
        ]
    assert [index for _, index in parts[0]] != [index for _, index in parts[2]]


@pytest.mark.parametrize("done", [0, 1, 2, 3, 4])
def test_the_rest_equals_the_end_of_the_whole_stream(done):
    config = TrainConfig(epochs=2, batch_size=4, accumulate=2)
    whole = list(micro_batch_keys(9, config))
    assert list(micro_batch_keys(9, config, done=done)) == whole[2 * done :]


def test_processes_share_every_batch():
    config = TrainConfig(epochs=1, batch_size=8, accumulate=2)
    alone = list(micro_batch_keys(16, config))
    shared = [list(micro_batch_keys(16, config, group=Group(rank, 2))) for rank in (0, 1)]
    for update in (0, 1):
        batch = {key for part in alone[2 * update : 2 * update + 2] for key in part}
        theirs = [key for parts in shared for part in parts[2 * update : 2 * update + 2] for key in part]
        assert sorted(theirs) == sorted(batch)


def test_invalid_settings_are_refused():
    with pytest.raises(ValueError, match="8 clips.*3 processes.*accumulate 1;.*batch_size.*multiple of 3"):
        list(micro_batch_keys(16, TrainConfig(), group=Group(0, 3)))
    with pytest.raises(ValueError, match=r"\b2 training clips.*batch of 8.*train\.batch_size"):
        updates_per_epoch(2, TrainConfig())
