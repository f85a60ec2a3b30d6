"""Several sources: pairs that explain another sound by another object, and one backward pass for all of them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.network.attention import class_activation_weights
from c3n_model.network.consensus import infer_consensus
from c3n_model.network.several import AUDIBLE, FurtherPairs, class_maps, further_consensus, is_present, named_classes

# Sounds bark, growl, speech; objects dog, wolf, person, door.
SIMILARITY = torch.tensor([[1.0, 0.5, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.1]])
EXPONENTS = {"alpha": 1.0, "beta": 1.0}


def pairs(audio, visual, count=2):
    audio, visual = torch.tensor([audio]), torch.tensor([visual])
    best = infer_consensus(audio, visual, SIMILARITY, **EXPONENTS)
    further = further_consensus(best, audio, visual, SIMILARITY, count, **EXPONENTS)
    found = [(best.audio_class.item(), best.visual_class.item())]
    found += zip(further.audio_class[0].tolist(), further.visual_class[0].tolist(), strict=True)
    return [pair for pair, value in zip(found, [1.0, *further.consensus[0].tolist()], strict=True) if value > 0]


def test_the_second_pair_is_of_another_sound_and_another_object():
    assert pairs([3.0, 2.9, 2.0], [3.0, 2.9, 2.0, 1.0]) == [(0, 0), (2, 2)]


def test_what_the_best_object_explains_as_well_is_no_second_object():
    """A growl is the dog's as much as the wolf's; a bark would be the dog's rather than the wolf's, who stood first."""
    assert pairs([0.0, -9.0, -9.0], [5.0, 4.0, -9.0, -9.0]) == [(0, 0), (2, 2)]
    assert pairs([0.0, 5.0, -9.0], [0.0, 6.0, -9.0, -9.0])[:2] == [(1, 1), (0, 0)]


@given(
    st.lists(st.floats(-9, 9), min_size=3, max_size=3),
    st.lists(st.floats(-9, 9), min_size=4, max_size=4),
    st.integers(1, 3),
)
def test_no_sound_and_no_object_is_named_twice(audio, visual, count):
    sounds, objects = zip(*pairs(audio, visual, count), strict=True)
    assert len(set(sounds)) == len(sounds) and len(set(objects)) == len(objects)
    assert all(SIMILARITY[a, v] > 0 for a, v in zip(sounds, objects, strict=True))


def test_a_further_pair_must_be_heard_and_seen():
    audio, visual = torch.tensor([[4.0, -4.0, 1.0], [4.0, -4.0, -1.0], [4.0, -4.0, 1.0]]), torch.zeros(3, 4)
    visual[2, 2:] = -9
    best = infer_consensus(audio, visual, SIMILARITY, **EXPONENTS)
    further = further_consensus(best, audio, visual, SIMILARITY, 1, **EXPONENTS)
    present = is_present(further, audio)
    assert further.visual_class[:, 0].tolist() == [2, 2, 2]
    assert present[:, 0].tolist() == [True, False, False]  # 0.73, 0.27 and unseen
    assert torch.sigmoid(torch.tensor(-1.0)) < AUDIBLE
    pairs_found = FurtherPairs(further, present, torch.zeros(3, 2, 1, 1))
    assert named_classes(best, pairs_found).tolist() == [[0, 2], [0, -1], [0, -1]]
    assert named_classes(best, None).tolist() == [[0], [0], [0]]


def test_one_backward_pass_gives_the_sum_of_the_classes_weights():
    points = [torch.rand(2, 5, 3, 3, requires_grad=True)]
    weight = torch.rand(4, 5)

    def weights(classes):
        logits = torch.tanh(points[0].mean(dim=(2, 3))) @ weight.T
        return class_activation_weights(logits, classes, points)[0]

    single = [weights(torch.tensor([label, label])) for label in range(4)]
    several = weights(torch.tensor([[0, 2], [1, -1]]))
    assert torch.allclose(several[0], (single[0] + single[2])[0])
    assert torch.equal(several[1], single[1][1]), "a class of -1 changes nothing, to the bit"


def test_class_maps_average_to_the_logits_of_a_linear_head():
    head, features = torch.nn.Linear(6, 4), torch.rand(2, 6, 3, 5)
    classes = torch.tensor([[0, 3], [2, 1]])
    maps = class_maps(head, features, classes)
    logits = head(features.mean(dim=(2, 3))) - head.bias
    assert torch.allclose(maps.mean(dim=(2, 3)), logits.gather(1, classes), atol=1e-6)
    assert not class_maps(head, torch.rand(2, 5, 3, 3), classes).any(), "a head that reads other features"


def test_a_map_of_each_frame_is_kept_when_encodings_are_joined():
    def one(value):
        consensus = infer_consensus(torch.rand(1, 3), torch.rand(1, 4), SIMILARITY, **EXPONENTS).select(slice(None))
        stacked = type(consensus)(*(getattr(consensus, name)[:, None] for name in consensus.__dataclass_fields__))
        return FurtherPairs(stacked, torch.tensor([[True]]), torch.full((1, 2, 1, 1), value))

    joined = FurtherPairs.join([one(1.0), one(2.0)])
    assert joined.maps[:, 0].flatten().tolist() == [1.0, 2.0]
    assert joined.select(1).maps[0].item() == 2.0


@pytest.mark.parametrize("most", [2, 3])
def test_more_than_one_is_asked_for_only_where_it_is_allowed(most):
    best = infer_consensus(torch.rand(1, 3), torch.rand(1, 4), SIMILARITY, **EXPONENTS)
    further = further_consensus(best, torch.rand(1, 3), torch.rand(1, 4), SIMILARITY, most - 1, **EXPONENTS)
    assert further.consensus.shape == (1, most - 1)
