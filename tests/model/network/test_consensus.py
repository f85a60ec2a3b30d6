"""C3IM (Eqs. 1-7) on numbers worked out by hand."""

import math

import pytest
import torch

from c3n_model.network.consensus import infer_consensus, label_similarity, visual_consensus

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
