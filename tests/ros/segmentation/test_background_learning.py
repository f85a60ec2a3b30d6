"""Learning the robot's own noise on request: what is answered, done and written, and in which order."""

from types import SimpleNamespace

import pytest
import torch

from c3n_model.zero_shot.background import LEARNING_S, Background
from c3n_ros.segmentation.background_learning import BackgroundLearning


class HearingSession:
    """Stands in for a session of two audio classes; `hear` is a window of a second."""

    def __init__(self):
        self.background = Background()
        self.model = SimpleNamespace(audio_labels=("dog", "motor"), tagger="mn04")

    def learn_background(self):
        self.background.learn()

    def hear(self, learning, logits):
        learning.before_window()
        self.background.hear(torch.tensor(logits), 1.0, published=False)
        learning.after_window()


def test_the_next_seconds_are_learnt_written_and_read_by_the_next_session(tmp_path):
    file, lines, session = tmp_path / "robot" / "noise.csv", [], HearingSession()
    learning = BackgroundLearning(session, str(file), lines.append)
    session.hear(learning, [9.0, 9.0])  # before it was asked for
    accepted, answer = learning.ask()
    assert accepted and str(file) in answer and f"{LEARNING_S:.0f} s" in answer
    for _ in range(int(LEARNING_S)):
        assert not file.exists()
        session.hear(learning, [-6.0, 1.0])
    assert file.is_file() and len(lines) == 1

    another = HearingSession()
    BackgroundLearning(another, str(file), lines.append)
    assert another.background.statistics.mean.tolist() == [-6.0, 1.0]
    assert str(file) in lines[-1]


def test_without_a_file_the_background_is_kept_in_memory_and_the_answer_reports_it():
    session = HearingSession()
    learning = BackgroundLearning(session, "", print)
    assert "background_file" in learning.ask()[1]
    for _ in range(int(LEARNING_S)):
        session.hear(learning, [-6.0, 1.0])
    assert session.background.statistics.weight == 1.0


@pytest.mark.parametrize("session", [SimpleNamespace(background=None), SimpleNamespace()])
def test_a_model_without_a_background_refuses_with_the_remedy(session):
    accepted, answer = BackgroundLearning(session, "", print).ask()
    assert not accepted and "zero_shot" in answer


def test_a_file_of_another_model_is_refused(tmp_path):
    (tmp_path / "noise.csv").write_text("label,mean,deviation\ncat,1,1\n")
    with pytest.raises(ValueError, match="another model"):
        BackgroundLearning(HearingSession(), str(tmp_path / "noise.csv"), print)
