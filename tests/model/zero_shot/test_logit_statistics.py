"""The CSV file of a prior or a background: what is refused, and by which words."""

import pytest
import torch

from c3n_model.zero_shot.logit_statistics import LogitStatistics, read_statistics, write_statistics

LABELS = ("Speech", "Baby cry, infant cry")


def test_labels_with_commas_are_preserved(tmp_path):
    written = LogitStatistics(torch.tensor([-3.0, -7.5]), torch.tensor([0.5, 1.25]), weight=0.5, scale=0.75)
    write_statistics(tmp_path / "prior.csv", written, LABELS, "two lines\nof comment")
    read = read_statistics(tmp_path / "prior.csv", LABELS)
    assert (
        read.mean.tolist() == [-3.0, -7.5]
        and read.deviation.tolist() == [0.5, 1.25]
        and (read.weight, read.scale) == (0.5, 0.75)
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "0 classes"),
        ("label,mean,deviation\nSpeech,-3,1\n", "1 classes"),
        ("label,mean,deviation\nSpeech,loud,1\nx,1,1\n", "not a CSV file"),
        ("a,b\n1,2\n", "not a CSV file"),
        ('label,mean,deviation\nSpeech,nan,1\n"Baby cry, infant cry",1,1\n', "finite"),
        ('label,mean,deviation\nSpeech,1,-1\n"Baby cry, infant cry",1,1\n', "deviations of at least 0"),
        ('# weight 7\nlabel,mean,deviation\nSpeech,1,1\n"Baby cry, infant cry",1,1\n', "weight in"),
        ('# scale 0\nlabel,mean,deviation\nSpeech,1,1\n"Baby cry, infant cry",1,1\n', "positive scale"),
        (
            '# scale wide\nlabel,mean,deviation\nSpeech,1,1\n"Baby cry, infant cry",1,1\n',
            "no number as its weight or scale",
        ),
        ("\x00\xff", "classes|CSV"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "prior.csv"
    path.write_text(content, encoding="latin1")
    with pytest.raises(ValueError, match=message) as refusal:
        read_statistics(path, LABELS)
    assert str(path) in str(refusal.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.csv"):
        read_statistics(tmp_path / "nothing.csv", LABELS)
