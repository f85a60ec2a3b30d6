"""`c3n bag extract`: which topics are read is said and can be chosen; nothing is replaced, nothing is claimed."""

import pytest
from bag_recorder import SECOND, BagRecorder

from c3n_model.cli import main
from c3n_model.sources.media import VideoSource
from c3n_model.types import Frame


@pytest.fixture
def bag(tmp_path):
    with BagRecorder(tmp_path / "bag") as bag:
        for number in range(10):
            bag.image("/sounding_object/mask", number * SECOND // 10 + 1, "mono8", 255, size=(32, 32))
            bag.image("/front/image", number * SECOND // 10 + 1, value=40, size=(32, 32))
            bag.image("/rear/image", number * SECOND // 10 + 1, value=200, size=(32, 32))
            bag.sound("/audio/audio_stamped", number * SECOND // 10 + 1, samples=1600)
    return tmp_path / "bag"


def level(path):
    return next(item for item in VideoSource(path) if isinstance(item, Frame)).rgb.mean()


def test_the_chosen_topic_is_reported_and_the_option_chooses_another(bag, tmp_path, capsys):
    main(["bag", "extract", str(bag), "-o", str(tmp_path / "front.mp4")])
    said = capsys.readouterr().out
    assert "/front/image is read" in said and "--image-topic" in said and "/rear/image" in said
    main(["bag", "extract", str(bag), "-o", str(tmp_path / "rear.mp4"), "--image-topic", "/rear/image"])
    assert "--image-topic" not in capsys.readouterr().out
    assert level(tmp_path / "front.mp4") == pytest.approx(40, abs=4)
    assert level(tmp_path / "rear.mp4") == pytest.approx(200, abs=4)


def test_an_existing_file_is_not_replaced(bag, tmp_path, capsys):
    (tmp_path / "bag.mp4").write_bytes(b"mine")
    with pytest.raises(SystemExit) as stop:
        main(["bag", "extract", str(bag)])
    assert "bag.mp4 exists already" in str(stop.value.code) and "wrote" not in capsys.readouterr().out
    assert (tmp_path / "bag.mp4").read_bytes() == b"mine"
