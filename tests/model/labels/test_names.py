"""Label files of both formats."""

import pytest

from c3n_model.labels.names import check_public_labels, imagenet_names, read_labels


def test_one_label_a_line(tmp_path):
    (tmp_path / "labels.txt").write_text("violin, fiddle\n\n  dog \r\n", encoding="utf-8")
    assert read_labels(tmp_path / "labels.txt") == ["violin, fiddle", "dog"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.txt", b"\n\n", "labels.txt"),
        ("labels.txt", b"\xff\xfe\x00", "labels.txt.*UTF-8"),
        ("labels.csv", b"index,mid,display_name\n0,/m/1,Speech\n", "expected 527 rows"),
    ],
)
def test_files_that_are_not_label_lists_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_labels(tmp_path / name)


def test_imagenet_is_in_index_order():
    names = imagenet_names()
    assert len(names) == 1000
    assert (names[0], names[402], names[889]) == ("tench, Tinca tinca", "acoustic guitar", "violin, fiddle")


SOUNDS = ("Speech", "Dog", "Wind")


def test_labels_of_the_public_weights_pass():
    check_public_labels(SOUNDS, tuple(imagenet_names()), SOUNDS)


@pytest.mark.parametrize(
    ("audio", "visual", "message"),
    [
        (("Speech", "Wind", "Dog"), imagenet_names(), "audio label 1 is 'Wind', in AudioSet 'Dog'; .*c3n labels build"),
        (SOUNDS[:2], imagenet_names(), "has 2 audio and 1000 .* AudioSet's 3 .*audio label 2 is 'nothing'"),
        ((*SOUNDS, "Rain"), imagenet_names(), "audio label 3 is 'Rain', in AudioSet 'nothing'"),
        (SOUNDS, imagenet_names()[::-1], "visual label 0 is .*, in ImageNet 'tench, Tinca tinca'"),
    ],
)
def test_labels_in_another_order_are_refused(audio, visual, message):
    with pytest.raises(ValueError, match=message):
        check_public_labels(audio, visual, SOUNDS)


@pytest.mark.realdata
def test_audioset_is_in_index_order(real_data):
    names = read_labels(real_data / "weights/class_labels_indices.csv")
    assert (names[0], names[74], names[140], names[500]) == ("Speech", "Dog", "Guitar", "Silence")
