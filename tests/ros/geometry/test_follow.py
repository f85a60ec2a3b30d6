"""The controller: limits, deadband, loss, search, headings. The robot does what it is told."""

import math

import pytest

from c3n_ros.geometry.follow import FollowSettings, History, SoundFollower, Velocity
from c3n_ros.geometry.target import Sighting, TargetSettings

TICK_NS = 50_000_000
SECOND_NS = 1_000_000_000
SETTINGS = FollowSettings(
    max_turn=1.0, max_turn_acceleration=2.0, deadband=0.02, timeout_s=1.5, target=TargetSettings(hold_s=1.0)
)


def seen(bearing, distance=None):
    return Sighting("bell", 0.1, bearing, 0.0, distance)


class Robot:
    """Turns and drives exactly as told; a window every half second, of the image 0.3 s before it comes."""

    def __init__(self, settings, source=None, audible=True, distance=None, view=math.pi, odometry=False):
        self.follower, self.heading, self.way = SoundFollower(settings, odometry=odometry), 0.0, 0.0
        self.source, self.audible, self.distance, self.view = source, audible, distance, view
        self.odometry, self.now_ns, self.past, self.told = odometry, 0, [], []

    def live(self, seconds, windows=True):
        for _ in range(round(seconds * SECOND_NS / TICK_NS)):
            self.past.append((self.now_ns, self.heading, self.way))
            if self.odometry:
                self.follower.add_heading(self.now_ns, self.heading)
            if windows and self.now_ns % (10 * TICK_NS) == 0 and len(self.past) > 6:
                self.follower.add_objects(self.past[-7][0], self._sightings(*self.past[-7][1:]), audible=self.audible)
            velocity = self.follower.command(self.now_ns)
            self.told.append(velocity)
            self.heading += velocity.turn * TICK_NS / SECOND_NS
            self.way += velocity.forward * TICK_NS / SECOND_NS
            self.now_ns += TICK_NS
        return self

    def _sightings(self, heading, way):
        if self.source is None or abs(self.source - heading) > self.view:
            return []
        return [seen(self.source - heading, self.distance and self.distance - way)]


@pytest.mark.parametrize("odometry", [False, True])
@pytest.mark.parametrize("source", [1.2, -0.7])
def test_it_turns_to_the_sound_and_stays(source, odometry):
    """Windows are 0.3 s old and come twice a second: a controller that took them for news would swing."""
    robot = Robot(SETTINGS, source, odometry=odometry).live(4)
    assert robot.heading == pytest.approx(source, abs=0.025)
    assert abs(robot.heading) <= abs(source) + 0.01, "no overshoot"
    assert robot.told[-1] == Velocity()


def test_speed_and_acceleration_keep_their_limits():
    turns = [velocity.turn for velocity in Robot(SETTINGS, 3.0).live(5).told]
    assert max(turns) == pytest.approx(1.0)
    steps = [abs(after - before) for before, after in zip([0.0, *turns], turns)]
    assert max(steps) <= 2.0 * TICK_NS / SECOND_NS + 1e-9


def test_near_the_target_it_turns_in_proportion():
    follower = SoundFollower(FollowSettings(gain=2.0, max_turn_acceleration=100.0))
    follower.command(0)
    follower.add_objects(0, [seen(0.1)], audible=True)
    assert follower.command(TICK_NS).turn == pytest.approx(0.2)


def held_velocity(settings, sighting):
    """The velocity after ten seconds in which the robot is held where it is and sees the same."""
    follower = SoundFollower(settings, odometry=True)
    for tick in range(200):
        follower.add_heading(tick * TICK_NS, 0.0)
        follower.add_objects(tick * TICK_NS, [sighting], audible=True)
        velocity = follower.command(tick * TICK_NS)
    return velocity


@pytest.mark.parametrize("bearing, turn", [(0.25, 0.5), (1.0, 1.0), (-0.25, -0.5), (0.04, 0.2)])
def test_it_turns_no_faster_than_it_can_brake(bearing, turn):
    """v^2 = 2 a s, with a = 0.5 rad/s^2."""
    settings = FollowSettings(gain=100.0, max_turn=9.0, max_turn_acceleration=0.5)
    assert held_velocity(settings, seen(bearing)).turn == pytest.approx(turn)


def test_it_drives_no_faster_than_it_can_brake():
    """With v^2 = 2 a s it stops at the standoff; faster, it would pass it."""
    settings = FollowSettings(gain=100.0, max_forward=9.0, max_forward_acceleration=0.5, standoff=1.0)
    robot = Robot(settings, 0.0, distance=3.0).live(8)
    assert robot.way == pytest.approx(2.0, abs=0.05) and robot.told[-1].forward == pytest.approx(0, abs=0.05)
    assert max(velocity.forward for velocity in robot.told) == pytest.approx(1.0, abs=0.1), (
        "half of the way, braking the rest"
    )


def test_within_the_deadband_it_stands_still():
    assert all(velocity == Velocity() for velocity in Robot(SETTINGS, 0.019).live(2).told)


def test_it_stops_without_new_windows():
    robot = Robot(FollowSettings(max_turn=0.2, timeout_s=1.0), source=3.0).live(2)
    assert robot.told[-1].turn == pytest.approx(0.2)
    robot.live(1.5, windows=False)
    assert robot.told[-1] == Velocity()


def test_it_stops_if_the_target_is_lost_without_a_search():
    robot = Robot(SETTINGS, source=3.0).live(1)
    robot.source = None
    robot.live(2)
    assert robot.told[-1] == Velocity() and robot.heading < 2.5


def test_windows_of_another_clock_cause_no_motion():
    follower = SoundFollower(SETTINGS)
    follower.add_objects(1_000 * SECOND_NS, [seen(0.5)], audible=True)
    assert all(follower.command(tick * TICK_NS) == Velocity() for tick in range(20))


def test_with_odometry_set_but_missing_nothing_moves():
    follower = SoundFollower(SETTINGS, odometry=True)
    follower.add_objects(0, [seen(0.5)], audible=True)
    assert all(follower.command(tick * TICK_NS) == Velocity() for tick in range(10))


def test_it_stops_without_odometry():
    robot = Robot(FollowSettings(max_turn=0.2, timeout_s=1.0), source=3.0, odometry=True).live(2)
    assert robot.told[-1].turn == pytest.approx(0.2)
    robot.odometry = False
    robot.live(2)
    assert robot.told[-1] == Velocity()


def test_forgetting_stops_it_softly():
    robot = Robot(SETTINGS, source=3.0).live(1)
    robot.follower.forget()
    turning = robot.told[-1].turn
    assert 0 < robot.follower.command(robot.now_ns).turn == pytest.approx(turning - 0.1)


def test_forward_motion_is_off_by_default_and_needs_depth():
    assert all(velocity.forward == 0 for velocity in Robot(SETTINGS, 0.0, distance=3.0).live(2).told)
    blind = Robot(FollowSettings(max_forward=0.5), 0.0).live(2)
    assert all(velocity.forward == 0 for velocity in blind.told)


def test_it_drives_up_to_the_standoff():
    robot = Robot(FollowSettings(max_forward=0.5, standoff=1.0), 0.0, distance=3.0).live(12)
    assert robot.way == pytest.approx(2.0, abs=0.05)
    assert max(velocity.forward for velocity in robot.told) == pytest.approx(0.5)


def test_it_faces_the_target_before_it_drives():
    robot = Robot(FollowSettings(max_forward=0.5), 1.5, distance=3.0).live(1)
    assert robot.told[-1].turn > 0.5 and all(velocity.forward == 0 for velocity in robot.told)


def test_a_sound_out_of_view_is_searched_for():
    """Half a radian is seen to each side; the search turns left, sees the source at 2 rad, and faces it."""
    settings = FollowSettings(search=True, target=TargetSettings(hold_s=1.0))
    assert Robot(settings, 2.0, view=0.5).live(8).heading == pytest.approx(2.0, abs=0.04)
    assert Robot(FollowSettings(), 2.0, view=0.5).live(8).heading == 0, "not unless it is asked for"


def test_silence_is_not_searched():
    robot = Robot(FollowSettings(search=True), 2.0, view=0.5, audible=False).live(4)
    assert robot.heading == 0


def test_a_search_stays_in_its_sector():
    robot = Robot(FollowSettings(search=True, search_turn=0.5, search_sector=1.0)).live(20)
    headings = [heading for _, heading, _ in robot.past]
    assert max(headings) == pytest.approx(0.5, abs=0.03) and min(headings) == pytest.approx(-0.5, abs=0.03)


def test_a_search_begins_on_the_wider_side():
    robot = Robot(FollowSettings(search=True, search_turn=0.5, search_sector=2.0), source=0.4, view=0.5).live(3)
    robot.source = -1.4
    assert robot.live(8).heading == pytest.approx(-1.4, abs=0.04)
    assert max(heading for _, heading, _ in robot.past) < 0.5


def search_turns(settings, windows):
    """The rates of turn at the end of each of `windows`, half a second long: (sightings, audible)."""
    follower, turns = SoundFollower(settings), []
    for number, (sightings, audible) in enumerate(windows):
        follower.add_objects(number * 10 * TICK_NS, sightings, audible=audible)
        turns.append([follower.command((number * 10 + tick) * TICK_NS).turn for tick in range(10)][-1])
    return turns


def test_a_search_begins_after_a_while():
    settings = FollowSettings(search=True, search_after_s=1.0)
    assert search_turns(settings, [([], True)] * 4) == pytest.approx([0, 0, 0.5, 0.5])


def test_a_search_turns_to_an_unconfirmed_object():
    """Something on the right, while the sweep goes to the left; and no faster than the sweep."""
    settings = FollowSettings(search=True, search_after_s=0.0, target=TargetSettings(confirm_s=0.4))
    windows = [([], True), ([seen(-1.0)], True), ([], True)]
    assert search_turns(settings, windows) == pytest.approx([0.5, -0.5, 0.5])


def test_a_search_continues_during_pauses_of_a_sound():
    settings = FollowSettings(search=True, search_after_s=0.0, target=TargetSettings(hold_s=0.6))
    heard = [True, False, True, False, False, False]
    turns = search_turns(settings, [([], audible) for audible in heard])
    assert turns == pytest.approx([0.5, 0.5, 0.5, 0.5, 0, 0])


def test_a_clock_that_jumps_back_resets_the_state():
    robot = Robot(SETTINGS, source=3.0).live(1)
    assert robot.follower.command(0) == Velocity() and robot.follower.target(0) is None


def test_a_history_between_two_entries():
    history = History()
    assert history.at(5) == 0 and history.newest_ns is None
    history.add(10, 3.0)
    history.add(20, 5.0)
    assert [history.at(stamp) for stamp in (0, 10, 15, 99)] == [3.0, 3.0, 4.0, 5.0]
    history.add(5, 1.0)
    assert history.at(99) == 1.0, "a clock that jumped back"


def test_odometry_counts_full_turns():
    follower = SoundFollower(SETTINGS, odometry=True)
    for second, heading in enumerate((3.0, -3.0, -2.0)):  # over the half turn
        follower.add_heading(second * SECOND_NS, heading)
    follower.add_objects(SECOND_NS, [seen(0.5)], audible=True)  # taken at heading -3
    assert follower.target(2 * SECOND_NS).bearing == pytest.approx(-0.5)
