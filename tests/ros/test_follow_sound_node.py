"""The node that follows sounds, over real DDS."""

import math
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.exceptions import ParameterException
from rclpy.parameter import Parameter
from watcher import Watcher, make_node, wait_until

from c3n_ros.follow_parameters import FollowParameters
from c3n_ros.follow_sound_node import ZEROS_S, yaw_of

SHIPPED = Path(__file__).resolve().parents[2] / "config/follow_sound.yaml"


def test_it_turns_left_to_a_sound_on_the_left_and_stops_without_input(spin):
    watcher = Watcher()
    spin(make_node(timeout_s=0.4, rate=50.0), watcher)
    watcher.wait_for_node()
    watcher.see(0.8)
    assert wait_until(lambda: watcher.told and watcher.told[-1].angular.z == 0), "stopped after the timeout"
    turns = [twist.angular.z for twist in watcher.told]
    assert 0.2 < max(turns) <= 1.0 and min(turns) >= 0 and all(twist.linear.x == 0 for twist in watcher.told)
    time.sleep(ZEROS_S + 0.2)
    count, turns = len(watcher.told), [twist.angular.z for twist in watcher.told]
    last_move = max(index for index, turn in enumerate(turns) if turn)
    assert len(turns) - last_move > 5, "zeros are repeated: one may be lost"
    time.sleep(0.3)
    assert len(watcher.told) == count, "then the topic is left to others"


def test_a_sound_on_the_right_as_twist_stamped(spin):
    watcher = Watcher(TwistStamped)
    spin(make_node(stamped=True, base_frame="base"), watcher)
    watcher.wait_for_node()
    watcher.see(-0.8)
    assert wait_until(lambda: watcher.told)
    assert watcher.told[0].twist.angular.z < 0 and watcher.told[0].header.frame_id == "base"
    assert abs(watcher.told[0].header.stamp.sec - time.time()) < 10


def test_old_images_cause_no_motion_and_are_reported(spin, capfd):
    watcher = Watcher()
    spin(make_node(), watcher)
    watcher.wait_for_node()
    watcher.see(0.8, age_s=100)
    said = []
    assert wait_until(lambda: said.append(capfd.readouterr().err) or "use_sim_time" in "".join(said))
    time.sleep(0.3)
    assert not watcher.told


def test_objects_without_bearing_report_that_camera_info_is_needed(spin, capfd):
    watcher = Watcher()
    spin(make_node(), watcher)
    watcher.wait_for_node()
    watcher.see(None)
    said = []
    assert wait_until(lambda: said.append(capfd.readouterr().err) or "camera_info" in "".join(said))
    assert not watcher.told


def test_goals_for_nav2_stand_off_and_face_the_sound(spin):
    watcher = Watcher(PoseStamped, "goal_pose")
    spin(make_node(mode="nav2", standoff=1.0), watcher)
    watcher.wait_for_node("goal_pose")
    watcher.see(0.0, position=(0.0, 0.0, 4.0))
    assert wait_until(lambda: watcher.told)
    (goal,) = watcher.told
    # The ray is that of the angles: bearing 0, elevation 0.1; three metres along it.
    place = goal.pose.position
    assert (place.x, place.y, place.z) == pytest.approx((0, -3 * math.sin(0.1), 3 * math.cos(0.1)), abs=1e-6)
    assert goal.header.frame_id == "camera_optical"
    watcher.see(0.0, position=(0.0, 0.0, 4.0))
    time.sleep(0.3)
    assert len(watcher.told) == 1, "no more than a goal a second"


def test_settings_change_while_it_runs(spin):
    watcher, node = Watcher(), make_node(rate=50.0)
    spin(node, watcher)
    watcher.wait_for_node()
    assert node.set_parameters([Parameter("max_turn", value=0.1)])[0].successful
    assert not node.set_parameters([Parameter("mode", value="nav2")])[0].successful
    watcher.see(0.8)
    assert wait_until(lambda: len(watcher.told) > 15)
    assert max(twist.angular.z for twist in watcher.told) == pytest.approx(0.1)


def test_shipped_file_has_the_defaults_and_every_parameter_is_described(ros):
    shipped = yaml.safe_load(SHIPPED.read_text())["/**"]["ros__parameters"]
    node = make_node()
    assert shipped == {name: node.get_parameter(name).value for name in FollowParameters.__dataclass_fields__}
    for name in shipped:
        assert len(node.describe_parameter(name).description) > 15, name
    node.destroy_node()


@pytest.mark.parametrize("name, value", [("mode", "fly"), ("max_turn", -1.0), ("stamped", "yes"), ("margin", 0.5)])
def test_wrong_start_values_are_refused(ros, name, value):
    with pytest.raises((ValueError, ParameterException), match=name):
        make_node(**{name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_limits_that_are_not_finite_are_refused(ros, value):
    node = make_node()
    for name in ("max_turn", "max_forward", "max_turn_acceleration", "timeout_s", "gain", "smoothing_s"):
        assert not node.set_parameters([Parameter(name, value=value)])[0].successful, name
        with pytest.raises(ParameterException, match=name):
            make_node(**{name: value})
    node.destroy_node()


def test_odometry_needs_its_messages(ros):
    try:
        import nav_msgs.msg  # noqa: F401
    except ImportError:
        with pytest.raises(ValueError, match="nav_msgs/msg/Odometry"):
            make_node(odometry=True)
    else:
        make_node(odometry=True).destroy_node()


def test_yaw_of_an_orientation():
    assert yaw_of(SimpleNamespace(x=0.0, y=0.0, z=math.sin(0.35), w=math.cos(0.35))) == pytest.approx(0.7)


@pytest.mark.parametrize("x, y, z, w", [(0, 0, 0, 0), (math.nan, 0, 0, 1), (0, 0, math.inf, 0), (0, 0, 1e200, 1e200)])
def test_an_invalid_quaternion_has_no_yaw(x, y, z, w):
    assert math.isnan(yaw_of(SimpleNamespace(x=x, y=y, z=z, w=w)))


def test_a_rounded_quaternion_has_the_same_yaw():
    assert yaw_of(SimpleNamespace(x=0.0, y=0.0, z=1.05 * math.sin(1.2), w=1.05 * math.cos(1.2))) == pytest.approx(2.4)


def test_executable_logs_in_one_line_why_it_cannot_start(start_process):
    process = start_process("follow_sound_node", "--ros-args", "-p", "mode:=fly")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and len(output.splitlines()) == 1
    assert "expected cmd_vel|nav2, got 'fly'" in output and "Traceback" not in output
