import numpy as np
import pytest

from c3n_model.direction.microphone_array import MicrophoneArray, load_array, preset_names


def write(path, text):
    path.write_text(text)
    return path


PAIR = "microphones: [{channel: 0, position: [0, 0.05, 0]}, {channel: 1, position: [0, -0.05, 0]}]\n"


def test_presets_are_arrays_around_the_camera():
    assert preset_names() == ["respeaker_usb_4_mic", "stereo_pair"]
    four = load_array("respeaker_usb_4_mic")
    assert four.channels == (1, 2, 3, 4) and four.line_bearing is None
    np.testing.assert_allclose(np.linalg.norm(four.positions, axis=1), 0.032)
    pair = load_array("stereo_pair")
    np.testing.assert_allclose(
        pair.positions, [[-0.05, 0, 0], [0.05, 0, 0]], atol=1e-12
    )  # left is -x in the optical frame
    assert abs(pair.line_bearing) == pytest.approx(np.pi / 2)


def test_an_array_turned_to_the_left_points_there(tmp_path):
    turned = load_array(write(tmp_path / "a.yaml", "yaw_deg: 90\n" + PAIR))
    # The left microphone is behind now.
    np.testing.assert_allclose(turned.positions, [[0, 0, -0.05], [0, 0, 0.05]], atol=1e-12)
    assert abs(np.sin(turned.line_bearing)) < 1e-9


def test_positions_of_the_optical_frame_are_taken_as_they_are(tmp_path):
    text = "frame: optical\nmicrophones: [{channel: 3, position: [0.1, 0.2, 0.3]}, {channel: 2, position: [0, 0, 0]}]"
    array = load_array(write(tmp_path / "a.yaml", text))
    np.testing.assert_allclose(array.positions, [[0.1, 0.2, 0.3], [0, 0, 0]])
    assert array.channels == (3, 2)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("a: 1", "'microphones' is missing"),
        ("frame: world\n" + PAIR, "base or optical, got 'world'"),
        ("microphones: [{channel: 0, position: [0, 0, 0]}]", "2 or more"),
        ("microphones: [{channel: 0, position: [0, 1, 0]}, {channel: 0, position: [0, 0, 0]}]", "different channels"),
        ("microphones: [{channel: 0, position: [0, 0, 1]}, {channel: 1, position: [0, 0, 0]}]", "horizontal plane"),
        ("microphones: [{channel: 0, position: [0, 5, 1]}, {channel: 1, position: [0, -50, 0]}]", "in metres"),
        ("microphones: [{channel: 0, position: [0, 5]}, {channel: 1, position: [0, 0, 0]}]", "3 numbers"),
        ("[1, 2]", "not a microphone array"),
    ],
)
def test_other_files_are_refused_with_the_reason(tmp_path, text, reason):
    with pytest.raises(ValueError, match=reason):
        load_array(write(tmp_path / "a.yaml", text))


def test_a_missing_file_names_the_presets():
    with pytest.raises(FileNotFoundError, match="respeaker_usb_4_mic, stereo_pair"):
        load_array("nowhere.yaml")


def test_positions_must_be_numbers():
    with pytest.raises(ValueError, match="positions"):
        MicrophoneArray(np.full((2, 3), np.nan), (0, 1))
