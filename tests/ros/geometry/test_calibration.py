import math

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo

from c3n_ros.geometry.calibration import calibration_from_angle, read_calibration
from c3n_ros.geometry.camera import Camera

FILE = """
image_width: 640
image_height: 480
camera_name: narrow
camera_matrix: {rows: 3, cols: 3, data: [500, 0, 320, 0, 501, 240, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0, 0, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [490, 0, 321, 0, 0, 491, 241, 0, 0, 0, 1, 0]}
"""
CUT = [FILE.replace(end, "0]}") for end in ("240, 0, 0, 1]}", "1, 0, 0, 0, 1]}", "0, 0, 1, 0]}")]  # short matrices


def test_a_file_of_camera_calibration(tmp_path):
    path = tmp_path / "camera.yaml"
    path.write_text(FILE)
    calibration = read_calibration(path)
    assert (calibration.width, calibration.height, calibration.d) == (640, 480, (0.1, -0.2, 0, 0, 0))
    assert calibration.k[4] == 501 and calibration.p[6] == 241


@pytest.mark.parametrize("broken", ["", "a: [", "image_width: x", FILE.replace("plumb_bob", "mine"), *CUT])
def test_other_files_are_refused(tmp_path, broken):
    path = tmp_path / "camera.yaml"
    path.write_text(broken)
    with pytest.raises(ValueError, match="camera.yaml is not a calibration"):
        read_calibration(path)
    with pytest.raises(FileNotFoundError, match="cameracalibrator"):
        read_calibration(tmp_path / "nothing.yaml")


def test_the_angle_of_view_reaches_the_edges():
    calibration = calibration_from_angle(640, 480, 60.0)
    info = CameraInfo(width=640, height=480, k=np.array(calibration.k), r=np.array(calibration.r), d=calibration.d)
    info.distortion_model, info.p = calibration.distortion_model, np.array(calibration.p)
    camera = Camera.from_info(info)
    focal, centre = camera.matrix[0, 0], camera.matrix[0, 2]
    assert not any(calibration.d) and camera.matrix[:2, 2].tolist() == [319.5, 239.5]
    assert (calibration.width, calibration.height) == (camera.width, camera.height)
    assert np.array_equal(np.reshape(calibration.p, (3, 4)), np.c_[camera.matrix, np.zeros(3)])
    assert math.degrees(math.atan((639.5 - centre) / focal)) == pytest.approx(30)
    for wrong in (0, 180, -1):
        with pytest.raises(ValueError, match="angle of view"):
            calibration_from_angle(640, 480, wrong)
