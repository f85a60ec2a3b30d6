"""C3IM (Eqs. 1-7) on numbers computed by hand."""

import math
from dataclasses import fields

import pytest
import torch

from c3n_model.network.consensus import check_similarity, infer_consensus, label_similarity, top_pairs, visual_consensus

# Two audio classes (dog, car), three visual classes (dog, van, cat).
SIMILARITY = torch.tensor([[1.0, 0.1, 0.6], [0.1, 0.8, 0.0]])


def logits_of(*confidences: float) -> torch.Tensor:
    return torch.tensor([confidences]).log()


def test_label_similarity_is_the_cosine():
    similarity = label_similarity(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[4.0, 3.0]]))
    assert similarity[0, 0].item() == pytest.approx(24 / 25)
    assert similarity[1, 0].item() == 0  # a label without a vector takes no part


def test_consensus_by_hand():
    # M_cof (alpha = beta = 1): dog-dog .5*1*.2 = .10, dog-van .5*.1*.7 = .035, dog-cat .5*.6*.1 = .03,
    #                           car-dog .5*.1*.2 = .01, car-van .5*.8*.7 = .28 <- the best, car-cat 0
    found = infer_consensus(logits_of(0.5, 0.5), logits_of(0.2, 0.7, 0.1), SIMILARITY, alpha=1.0, beta=1.0)
    assert (found.audio_class.item(), found.visual_class.item()) == (1, 1)
    assert found.consensus.item() == pytest.approx(0.28)
    assert found.audio_score.item() == pytest.approx(0.5)
    assert found.visual_score.item() == pytest.approx(0.7)
    assert found.similarity.item() == pytest.approx(0.8)


def test_sound_overrules_the_most_visible_class():
    # A van fills the picture, a dog barks: with alpha = beta = 0.1 the pair is the dog's.
    # dog-dog .98^.1*1*.05^.1 = .740; car-van .02^.1*.8*.9^.1 = .535
    found = infer_consensus(logits_of(0.98, 0.02), logits_of(0.05, 0.9, 0.05), SIMILARITY)
    assert (found.audio_class.item(), found.visual_class.item()) == (0, 0)
    assert found.consensus.item() == pytest.approx(0.98**0.1 * 0.05**0.1, rel=1e-5)
    assert visual_consensus(logits_of(0.98, 0.02), logits_of(0.05, 0.9, 0.05), SIMILARITY).visual_class.item() == 1


def test_log_form_equals_powers_of_softmax():
    generator = torch.Generator().manual_seed(0)
    audio, visual = (torch.randn(7, k, generator=generator) * 4 for k in (9, 11))
    similarity = torch.rand(9, 11, generator=generator) - 0.3
    found = infer_consensus(audio, visual, similarity, alpha=0.1, beta=0.25)
    for frame in range(7):
        powers = audio[frame].softmax(0)[:, None] ** 0.1 * similarity * visual[frame].softmax(0)[None] ** 0.25
        j, k = divmod(int(powers.argmax()), 11)
        assert (found.audio_class[frame].item(), found.visual_class[frame].item()) == (j, k)
        assert found.consensus[frame].item() == pytest.approx(powers.max().item(), rel=1e-5)


def test_pairs_without_positive_similarity_never_win():
    found = infer_consensus(logits_of(0.5, 0.5), logits_of(0.01, 0.01, 0.98), torch.tensor([[0.1, 0, -0.9], [0, 0, 0]]))
    assert (found.audio_class.item(), found.visual_class.item()) == (0, 0)


def test_extreme_logits_stay_finite():
    found = infer_consensus(torch.tensor([[500.0, -500.0]]), torch.tensor([[-900.0, 900.0, 0.0]]), SIMILARITY)
    assert math.isfinite(found.consensus.item())
    assert found.consensus.item() > 0


def every_pair(audio, visual, similarity, alpha, beta):
    """Compute Eq. 6 by loops in double precision: [(M_cof, j, k)] of a frame, best first, ties by lowest (j, k)."""
    audio, visual = audio.double().softmax(0).tolist(), visual.double().softmax(0).tolist()
    pairs = []
    for j, heard in enumerate(audio):
        for k, seen in enumerate(visual):
            pairs.append((heard**alpha * max(similarity[j, k].item(), 0) * seen**beta, j, k))
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))


def test_top_pairs_by_hand():
    # The six values of test_consensus_by_hand in their order: .28, .10, .035, .03, .01 and car-cat, which is out.
    found = top_pairs(logits_of(0.5, 0.5), logits_of(0.2, 0.7, 0.1), SIMILARITY, 6, alpha=1.0, beta=1.0)
    assert found.audio_class.tolist() == [[1, 0, 0, 0, 1, 0]]
    assert found.visual_class.tolist() == [[1, 0, 1, 2, 0, 0]]
    assert found.consensus[0].tolist() == pytest.approx([0.28, 0.10, 0.035, 0.03, 0.01, 0])
    assert found.similarity[0, :5].tolist() == pytest.approx([0.8, 1, 0.1, 0.6, 0.1])
    assert found.audio_score[0].tolist() == pytest.approx([0.5] * 6)
    assert found.visual_score[0, :5].tolist() == pytest.approx([0.7, 0.2, 0.7, 0.1, 0.2])


@pytest.mark.parametrize(("alpha", "beta"), [(0.1, 0.1), (0.25, 0.25), (0.1, 0.25), (0.25, 0.1), (0, 1), (1, 0)])
def test_top_pairs_equal_loops(alpha, beta):
    generator = torch.Generator().manual_seed(3)
    audio, visual = torch.randn(5, 6, generator=generator) * 5, torch.randn(5, 8, generator=generator) * 5
    similarity = torch.rand(6, 8, generator=generator) - 0.2
    found = top_pairs(audio, visual, similarity, 10, alpha=alpha, beta=beta)
    for frame in range(5):
        expected = every_pair(audio[frame], visual[frame], similarity, alpha, beta)[:10]
        pairs = zip(found.audio_class[frame].tolist(), found.visual_class[frame].tolist(), strict=True)
        assert list(pairs) == [(j, k) for _, j, k in expected]
        assert found.consensus[frame].tolist() == pytest.approx([value for value, _, _ in expected], rel=1e-5)
        assert found.audio_score[frame].tolist() == pytest.approx(
            [audio[frame].softmax(0)[j].item() for _, j, _ in expected], rel=1e-5
        )


def test_equal_pairs_come_in_the_order_of_their_classes():
    flat = torch.zeros(2, 3)
    found = top_pairs(flat, flat, torch.full((3, 3), 0.5), 9)
    assert found.audio_class.tolist() == [[0, 0, 0, 1, 1, 1, 2, 2, 2]] * 2
    assert found.visual_class.tolist() == [[0, 1, 2] * 3] * 2


def test_a_common_constant_changes_nothing():
    # In float32 a logit of 1e4 + 1 keeps only three digits of its alpha-fold unless the largest is taken off first.
    generator = torch.Generator().manual_seed(4)
    audio, visual = (torch.randint(-40, 40, (8, 30), generator=generator) / 8 for _ in range(2))
    similarity = torch.rand(30, 30, generator=generator)
    here = top_pairs(audio, visual, similarity, 5)
    far = top_pairs(audio + 2**14, visual - 2**14, similarity, 5)
    for field in fields(here):
        assert torch.equal(getattr(here, field.name), getattr(far, field.name)), field.name


def test_one_certain_class_leaves_the_rest_in_order():
    # softmax gives exactly 0 to both losers; their logits still tell which is likelier.
    similarity = torch.tensor([[0.0], [0.5], [0.5]])
    found = top_pairs(torch.tensor([[900.0, -500.0, -400.0]]), torch.zeros(1, 1), similarity, 2)
    assert found.audio_class.tolist() == [[2, 1]]
    assert found.audio_score.tolist() == [[0, 0]]
    assert torch.isfinite(found.consensus).all()


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((3, 2), {}, r"similarity .*\(2, 3\).*got \(3, 2\)"),
        ((2, 3), {"k": 0}, r"k .*\[1, 6\].*got 0"),
        ((2, 3), {"k": 7}, r"k .*\[1, 6\].*got 7"),
        ((2, 3), {"alpha": -0.1}, "alpha and beta .*got -0.1"),
        ((2, 3), {"beta": math.nan}, "alpha and beta .*got .*nan"),
    ],
)
def test_wrong_arguments_are_named(shape, settings, message):
    with pytest.raises(ValueError, match=message):
        top_pairs(torch.zeros(1, 2), torch.zeros(1, 3), torch.ones(shape), **{"k": 1, **settings})


def test_the_most_confident_visual_class_alone_is_its_own_consensus():
    logits = torch.tensor([[0.0, math.log(3.0), 0.0], [math.log(8.0), 0.0, 0.0]])
    consensus = visual_consensus(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), logits, torch.arange(6.0).reshape(2, 3))
    assert consensus.similarity.tolist() == [4, 0]
    assert consensus.visual_class.tolist() == [1, 0]
    assert consensus.visual_score.tolist() == pytest.approx([0.6, 0.8])
    assert torch.equal(consensus.consensus, consensus.visual_score)


def test_a_similarity_with_anything_positive_is_usable():
    check_similarity(torch.tensor([[-1.0, 0.0], [0.25, -0.5]]), 2, 2)
    with pytest.raises(ValueError, match="no positive value"):
        check_similarity(torch.tensor([[-1.0, 0.0]]), 1, 2)
