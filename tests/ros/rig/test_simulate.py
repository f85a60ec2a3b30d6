"""The simulated room and robot. The whole loop runs with the embedded model, for a few simulated seconds."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.loading import load_model
from c3n_model.progress import silent
from c3n_model.sources.media import VideoSource
from c3n_model.streaming.session import Session
from c3n_model.synthetic import world
from c3n_model.types import NANOSECONDS_PER_SECOND, Frame, Presence, Segmentation, SoundingObject, UnifiedLabel
from c3n_ros.geometry.camera import angles
from c3n_ros.geometry.follow import Velocity
from c3n_ros.geometry.target import turn_between
from c3n_ros.rig import simulated_run
from c3n_ros.rig.simulate import make_report, simulate, start_heading
from c3n_ros.rig.simulated_room import FIELD_OF_VIEW, FOCAL_LENGTH, HEIGHT, REACH, WIDTH, camera, column_of, make_room
from c3n_ros.rig.simulated_run import Change, Robot, Run, drive, ticks
from c3n_ros.rig.simulation_pictures import draw_runs, film_run

GOOD_SEED = 2


def test_a_room_is_its_seed():
    one, same, other = make_room(3), make_room(3), make_room(4)
    assert np.array_equal(one.panorama, same.panorama) and np.array_equal(one.sound, same.sound)
    assert one.things == same.things and one.things != other.things


@pytest.mark.parametrize("seed", range(8))
def test_rooms_have_different_objects_of_which_two_sound_in_turn(seed):
    room = make_room(seed)
    assert 3 <= len({thing.label for thing in room.things}) == len(room.things) <= 4
    assert room.sounding[0] is None and len(set(room.sounding)) == 3 and room.changes == (1, 7)
    assert all(abs(thing.heading) < REACH + 0.2 for thing in room.things)
    second = world.SAMPLE_RATE
    quiet, loud = (np.sqrt(np.mean(room.sound[k * second : (k + 1) * second] ** 2)) for k in (0, 2))
    assert loud > 3 * quiet


@pytest.mark.parametrize("heading", [-0.9, 0.0, 0.4])
def test_the_view_is_a_pinhole_picture_of_the_room(heading):
    """A mark at a heading appears where the camera's own rays say."""
    room = make_room(0)
    room.panorama[:] = 0
    mark = heading + 0.3
    column, row = round(column_of(mark)), round((HEIGHT - 1) / 2 - FOCAL_LENGTH * 0.2)
    room.panorama[row - 1 : row + 2, column - 1 : column + 2] = 255
    y, x = (places.mean() for places in np.nonzero(room.view(heading)[..., 0] > 100))
    bearing, elevation = angles(camera().rays([[x, y]])[0])
    assert bearing == pytest.approx(0.3, abs=0.005) and math.tan(elevation) == pytest.approx(0.2, abs=0.005)
    assert room.view(heading).shape == (HEIGHT, WIDTH, 3)


def test_the_robot_keeps_its_limits():
    robot = Robot(heading=1.0)
    robot.advance(Velocity(turn=9.0), 0.1)
    assert (robot.turn, robot.heading) == pytest.approx((0.4, 1.04))
    for _ in range(20):
        robot.advance(Velocity(turn=9.0), 0.1)
    assert robot.turn == 2.0


def run_with(*errors_of_changes):
    """A run of which only the facing errors are known."""
    errors = np.concatenate([np.full(ticks(1), np.nan), *(np.array(errors) for errors in errors_of_changes)])
    return Run(make_room(0), np.zeros(len(errors)), errors, ())


def test_a_change_is_settled_from_when_the_error_stays_small():
    late, early = np.full(ticks(6), 30.0), np.full(ticks(6), -3.0)
    early[: ticks(2)], late[ticks(3) : ticks(5.5)] = 40.0, 1.0
    assert Change(np.abs(early)).settled_s == 2.0 and Change(late).settled_s == math.inf
    assert Change(late).error_deg == 1.0 and Change(late).in_view and not Change(np.abs(early)).in_view


def test_the_report_counts_runs_in_which_every_change_settled():
    good, bad = np.full(ticks(6), 2.0), np.full(ticks(6), 60.0)
    report = make_report([run_with(good, good), run_with(good, bad), run_with(-good, good)])
    assert (report["runs"], report["settled_within_5s"]) == (3, 2)
    assert report["changes"] == {"settled": 5, "of": 6}
    assert report["in_view_at_first"] == {"settled": 5, "of": 5}
    assert report["out_of_view_at_first"] == {"settled": 0, "of": 1}
    assert report["facing_error_deg"] == {"median": 2.0, "p95": pytest.approx(45.5)}


def always_right(window, room, _session, _eye):
    """What a perfect network makes of a window: the source in its middle, if that is in view."""
    bearing, sounding = None, room.source(window.start_ns / NANOSECONDS_PER_SECOND + 0.5)
    if sounding is not None:
        bearing = turn_between(window.frame.heading, sounding.heading)
    region = SoundingObject("it", 0.9, (0, 0, 1, 1), (0.0, 0.0), 6_000, bearing=bearing, elevation=0.0, half_width=0.1)
    in_view = bearing is not None and abs(bearing) < 0.45 * FIELD_OF_VIEW
    return Segmentation(
        window_start_ns=window.start_ns,
        stamp_ns=window.frame.stamp_ns,
        frame_id="",
        mask=np.zeros((HEIGHT, WIDTH), bool),
        confidence=np.zeros((HEIGHT, WIDTH), np.uint8),
        label=UnifiedLabel("it", "it", 1, 1, 1, 1),
        presence=Presence(sounding is not None, 1.0, -20.0),
        objects=(region,) if in_view else (),
    )


@pytest.mark.parametrize("seed", range(8))
def test_with_a_perfect_network_every_source_is_faced(seed, monkeypatch):
    """Target, search and controller alone."""
    monkeypatch.setattr(simulated_run, "_segmented", always_right)
    ears = SimpleNamespace(model=SimpleNamespace(sample_rate=world.SAMPLE_RATE), reset=lambda: None)
    assert all(change.settled_s <= 5 for change in drive(make_room(seed), ears, start_heading(seed)).changes)


@pytest.fixture(scope="module")
def session():
    return Session(load_model("demo"), "cpu")


def test_the_robot_faces_what_sounds(session):
    """The real loop: in a room in which the network finds both sources, the robot faces each within five seconds."""
    run = drive(make_room(GOOD_SEED), session, start_heading(GOOD_SEED))
    assert all(change.settled_s <= 5 for change in run.changes)
    assert any(not change.in_view for change in run.changes), "one of them had to be searched for"


def test_a_run_depends_on_its_seed_only(session):
    """Three seconds, twice, with one session."""
    room = make_room(0)
    short = replace(room, sounding=room.sounding[:3], sound=room.sound[: 3 * world.SAMPLE_RATE])
    once, again = (drive(short, session, start_heading(0)) for _ in range(2))
    assert np.array_equal(once.headings, again.headings) and np.ptp(once.headings) > 0.1
    assert [tick for tick, _ in once.results] == [tick for tick, _ in again.results]


def test_pictures_of_runs(tmp_path, session):
    room = make_room(0)
    run = drive(replace(room, sounding=room.sounding[:3]), session, start_heading(0))
    draw_runs([run_with(np.full(ticks(6), 2.0), np.full(ticks(6), 60.0))], tmp_path / "runs.png")
    film_run(run, tmp_path / "run.mp4")
    assert (tmp_path / "runs.png").read_bytes().startswith(b"\x89PNG")
    frames = [item for item in VideoSource(tmp_path / "run.mp4") if isinstance(item, Frame)]
    assert len(frames) == 3 * 25 and frames[0].rgb.shape[1] == 2 * WIDTH


def test_a_simulation_without_runs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="1 run.* 0"):
        simulate(tmp_path, runs=0, progress=silent)
    with pytest.raises(ValueError, match="-1"):
        simulate(tmp_path, runs=1, first_room=-1, progress=silent)
