"""Every way in which the node can fail has a status that says what to do."""

import time

import pytest

from c3n_model.messages.images import frame_from_image
from c3n_model.messages.mp3 import MP3_REMEDY
from c3n_model.messages.sounds import AudioFormat, chunk_from_audio
from c3n_model.model import choose_device
from c3n_model.streaming.windows import StreamCounts
from c3n_ros.health.arrivals import Arrivals, QoS
from c3n_ros.health.diagnostics import Health
from c3n_ros.health.guard import Failure
from c3n_ros.health.status import Level

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
CAMERA, MICROPHONE = "/camera/image_raw", "/audio/audio_stamped"
NAMES = ["node", "network", "topics", "camera", "microphone", "camera_info", "synchronisation", "windows"]


def healthy(seconds=10, *, image_rate=30, image_ahead_s=0.0, image_stamp_ns=None, sound=True, windows=True, **facts):
    """A node that has been listening for some seconds, both streams well unless told otherwise."""
    health = Health(
        Arrivals(CAMERA), Arrivals(MICROPHONE), **{"state": "active", "model": "demo", "device": "cpu", **facts}
    )
    health.camera.publishers = health.microphone.publishers = (QoS("reliable"),)
    for number in range(seconds * image_rate):
        at_s = number / image_rate
        stamp_ns = START_NS + round((at_s + image_ahead_s) * SECOND_NS) if image_stamp_ns is None else image_stamp_ns
        health.camera.add(at_s, stamp_ns)
    for number in range(seconds * 100 if sound else 0):
        begin_ns = START_NS + number * SECOND_NS // 100
        health.microphone.add((number + 1) / 100, begin_ns, begin_ns + SECOND_NS // 100)
    for second in range(1, seconds if windows else 0):
        health.on_window(second + 0.05, latency_s=0.05, heard=1.0)
    return health


def status(health, name, now_s=10.0):
    """One status of the summary."""
    return {found.name: found for found in health.summarise(now_s)}[name]


def test_all_is_well():
    statuses = healthy(rmw="rmw_fastrtps_cpp", fingerprint="0123abcd").summarise(10.0)
    assert [found.name for found in statuses] == NAMES
    assert {found.level for found in statuses} == {Level.OK}, statuses
    values = {key: value for found in statuses for key, value in found.values.items()}
    assert values["model"] == "demo" and values["fingerprint"] == "0123abcd" and values["rmw"] == "rmw_fastrtps_cpp"
    assert values["latency p50"] == values["latency p95"] == "50 ms" and values["heard"] == "1.00"
    assert all(isinstance(value, str) for value in values.values())


def test_rates_of_both_streams():
    health = healthy(image_rate=15)
    assert status(health, "camera").values["rate"] == "15.0 Hz"
    assert status(health, "microphone").values["rate"] == "100.0 Hz"


def test_at_the_start_it_waits():
    health = healthy(0, listening_since_s=9.0)
    for name in ("camera", "microphone", "windows"):
        found = status(health, name)
        assert found.level == Level.WARN and "first" in found.message


def test_no_publisher_of_images():
    health = healthy(image_rate=0)
    health.camera.publishers = ()
    found = status(health, "camera")
    assert found.level == Level.ERROR
    assert CAMERA in found.message and "start the camera driver" in found.message
    assert status(health, "synchronisation").level == Level.STALE


def test_no_publisher_of_sound():
    health = healthy(sound=False)
    health.microphone.publishers = ()
    message = status(health, "microphone").message
    assert MICROPHONE in message and "start the microphone driver" in message


def test_published_but_lost_on_the_way():
    found = status(healthy(image_rate=0), "camera")
    assert found.level == Level.ERROR and "config/fastdds_large_images.xml" in found.message
    found = status(healthy(sound=False), "microphone")
    assert found.level == Level.ERROR and "ROS_DOMAIN_ID" in found.message


def test_a_camera_that_stopped():
    found = status(healthy(), "camera", now_s=17.0)
    assert found.level == Level.ERROR and "7 s" in found.message and "camera driver" in found.message


def test_messages_before_a_pause_do_not_count_after_it():
    health = healthy(seconds=2)
    health.listening_since_s = 10.0
    assert status(health, "camera", now_s=11.0).level == Level.WARN
    later = status(health, "camera", now_s=14.0)
    assert later.level == Level.ERROR and "config/fastdds_large_images.xml" in later.message


def test_qos_that_does_not_match_names_the_override():
    health = healthy(image_rate=0)
    health.camera.requested, health.camera.publishers = QoS("reliable"), (QoS("best_effort"),)
    found = status(health, "camera")
    assert found.level == Level.ERROR and "best_effort" in found.message and "reliable" in found.message
    assert f"qos_overrides.{CAMERA}.subscription.reliability to best_effort" in found.message


def test_a_description_that_is_not_latched():
    description = Arrivals("/audio/audio_info", QoS("reliable", "transient_local"))
    description.publishers = (QoS("reliable", "volatile"),)
    found = status(healthy(description=description), "microphone")
    assert found.level == Level.WARN
    assert "qos_overrides./audio/audio_info.subscription.durability to volatile" in found.message


def test_a_camera_too_slow_for_the_skew():
    found = status(healthy(image_rate=2), "camera")
    assert found.level == Level.WARN and "2.0 Hz" in found.message and "0.25" in found.message
    assert status(healthy(image_rate=4), "camera").level == Level.OK
    assert status(healthy(image_rate=2, max_skew_s=0.26), "camera").level == Level.OK


def test_stamps_that_do_not_advance():
    found = status(healthy(image_stamp_ns=0), "camera")
    assert found.level == Level.ERROR and "same stamp" in found.message


def test_gaps_in_the_sound():
    health = healthy(sound=False)
    for number in range(1000):
        if number % 5:  # every fifth message is lost
            begin_ns = START_NS + number * SECOND_NS // 10
            health.microphone.add(number / 100, begin_ns, begin_ns + SECOND_NS // 10)
    found = status(health, "microphone")
    assert found.level == Level.WARN and "20%" in found.message
    assert float(found.values["gap ratio"]) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("ahead_s, level", [(0.4, Level.OK), (-0.4, Level.OK), (0.6, Level.WARN), (-8.0, Level.ERROR)])
def test_skew_of_the_stamps(ahead_s, level):
    found = status(healthy(image_ahead_s=ahead_s), "synchronisation")
    assert found.level == level
    assert float(found.values["image stamps ahead of sound"].split()[0]) == pytest.approx(ahead_s, abs=0.04)
    assert ("ahead of" if ahead_s > 0 else "behind") in found.message


def test_a_skew_that_may_be_a_delay_suggests_max_wait_s():
    assert "max_wait_s to 1.0" in status(healthy(image_ahead_s=-0.8), "synchronisation").message


def test_two_clocks_that_never_meet():
    found = status(healthy(image_stamp_ns=None, image_ahead_s=-START_NS / SECOND_NS), "synchronisation")
    assert found.level == Level.ERROR and "simulation" in found.message


def test_mp3_that_cannot_be_decoded_is_refused_with_the_launch_argument():
    health = healthy(sound=False)
    health.microphone.refused = MP3_REMEDY
    found = status(health, "microphone")
    assert found.level == Level.ERROR and MP3_REMEDY in found.message and "format:=wave" in found.message
    health.microphone.refused = ""
    health.microphone.add(9.9, START_NS, START_NS + 1)
    assert status(health, "microphone").level == Level.OK


def test_sound_of_half_samples_is_refused():
    from types import SimpleNamespace

    header = SimpleNamespace(stamp=SimpleNamespace(sec=0, nanosec=0))
    audio = SimpleNamespace(audio=SimpleNamespace(data=b"abc"), header=header)
    with pytest.raises(ValueError) as refusal:
        chunk_from_audio(audio, AudioFormat())
    health = healthy(sound=False)
    health.microphone.refused = str(refusal.value)
    assert "got 3" in status(health, "microphone").message


def test_an_unknown_encoding_is_an_error_until_a_window_succeeds():
    from types import SimpleNamespace

    with pytest.raises(ValueError) as refusal:
        frame_from_image(SimpleNamespace(encoding="rainbow"))
    health = healthy()
    health.refuse_image(str(refusal.value))
    found = status(health, "camera")
    assert found.level == Level.ERROR and "rainbow" in found.message and "rgb8" in found.message
    health.on_window(10.0, 0.05, 1.0)
    assert status(health, "camera").level == Level.OK


def test_a_missing_model_and_what_depends_on_it():
    health = healthy(model_refused="no file x: `c3n weights get zero_shot` fetches it", state="unconfigured")
    found = status(health, "network")
    assert found.level == Level.ERROR and "no file x" in found.message and "c3n weights get zero_shot" in found.message
    levels = {found.name: found.level for found in health.summarise(10.0)}
    assert {levels[name] for name in NAMES[3:]} == {Level.STALE}


def test_cuda_was_asked_for_but_is_not_there():
    with pytest.raises(ValueError) as refusal:
        choose_device("cuda:97")
    found = status(healthy(model_refused=str(refusal.value)), "network")
    assert found.level == Level.ERROR and "cuda:97" in found.message and "auto" in found.message


def test_a_failed_window_is_reported_until_one_succeeds():
    health = healthy()
    health.fail_window("OutOfMemoryError: CUDA out of memory")
    found = status(health, "network")
    assert found.level == Level.ERROR and "device:=cpu" in found.message and found.values["failed windows"] == "1"
    health.on_window(10.0, 0.05, 1.0)
    assert status(health, "network").level == Level.OK and status(health, "network").values["failed windows"] == "1"


def test_dropped_windows_mean_that_the_network_is_too_slow():
    health = healthy(windows=False)
    for second in range(1, 10):
        health.on_window(float(second), 0.9, 1.0, dropped=1)
    found = status(health, "network")
    assert found.level == Level.WARN and "9 of 18" in found.message and "hop_s" in found.message
    assert found.values["latency p95"] == "900 ms" and status(health, "windows").values["dropped"] == "9"


def test_latencies_are_percentiles():
    health = healthy(windows=False)
    for number in range(101):
        health.on_window(9.0 + number / 200, number / 1000, 1.0)
    values = status(health, "network").values  # of the last 120
    assert (values["latency p50"], values["latency p95"]) == ("50 ms", "95 ms")


def test_memory_of_the_gpu_only_where_there_is_one():
    assert "device memory" not in status(healthy(), "network").values
    assert status(healthy(device_memory_bytes=3 * 2**20), "network").values["device memory"] == "3 MiB"


def test_no_window_despite_both_streams():
    counts = StreamCounts(skipped_no_frame=7, skipped_no_sound=2)
    found = status(healthy(windows=False, counts=counts), "windows")
    assert found.level == Level.ERROR and "7 skipped" in found.message and "2 without" in found.message
    assert found.values["skipped no frame"] == "7"
    assert status(healthy(windows=False, hop_s=8.0), "windows").level == Level.WARN  # the first one is not due yet


def test_windows_with_missing_sound():
    health = healthy()
    for number in range(10):
        health.on_window(9.0 + number / 10, 0.05, heard=0.6)
    found = status(health, "windows")
    assert found.level == Level.WARN and "40%" in found.message


@pytest.mark.parametrize(
    "facts, said",
    [
        ({"enabled": False}, "~/enable"),
        ({"state": "inactive"}, "ros2 lifecycle set"),
    ],
)
def test_a_node_that_does_not_listen(facts, said):
    health = healthy(**facts)
    found = status(health, "node")
    assert found.level == Level.WARN and said in found.message
    assert status(health, "camera").level == Level.STALE


def test_every_status_is_one_non_empty_line():
    for health in (healthy(), healthy(0), healthy(image_rate=1), healthy(enabled=False), healthy(image_ahead_s=99.0)):
        for found in health.summarise(10.0):
            assert found.message and "\n" not in found.message


def test_two_cameras_on_one_topic_are_named():
    publishers = {CAMERA: ("/front/driver", "/rear/driver"), MICROPHONE: ("/microphone",)}
    found = status(healthy(publishers=publishers), "topics")
    assert found.level == Level.WARN and found.values[f"publishers of {MICROPHONE}"] == "/microphone"
    for said in (CAMERA, "/front/driver", "/rear/driver", "remap"):
        assert said in found.message
    assert MICROPHONE not in found.message


def test_skipped_items_are_reported_for_a_while_and_stay_counted():
    health = healthy(failures={CAMERA: Failure(3, "expected 1, got 2: correct the driver", at_s=10.0)})
    found = status(health, "topics", now_s=11.0)
    assert (
        found.level == Level.WARN and f"{CAMERA}: 3 skipped" in found.message and "correct the driver" in found.message
    )
    later = status(health, "topics", now_s=21.0)
    assert later.level == Level.OK and later.values[f"skipped {CAMERA}"] == "3"


def test_a_thread_that_ended_is_an_error_until_a_window_is_published():
    health = healthy()
    health.on_threads_ended(["intake"])
    found = status(health, "node")
    assert found.level == Level.ERROR and "intake" in found.message and found.values["restarts of threads"] == "1"
    health.on_window(10.0, 0.05, 1.0)
    assert status(health, "node").level == Level.OK and status(health, "node").values["restarts of threads"] == "1"


def test_recording_costs_microseconds():
    health = healthy(0)
    begin = time.perf_counter()
    for number in range(10_000):
        health.microphone.add(number / 100, number, number + 1)
    assert time.perf_counter() - begin < 0.5  # 50 us each on a busy machine; the callbacks have 2 ms


def distances(**facts):
    """A healthy node with a calibrated camera and depth that arrives with every image."""
    health = healthy(
        camera_info=Arrivals("/camera/camera_info"), distances={"depth": Arrivals("/camera/depth")}, **facts
    )
    health.camera_info.add(0.0, START_NS)
    health.distances["depth"].publishers = (QoS(),)
    for number in range(300):
        health.distances["depth"].add(number / 30, START_NS + number * SECOND_NS // 30)
    return health


def test_unpublished_optional_inputs_are_ok_and_their_argument_is_named():
    health = healthy(camera_info=Arrivals("/camera/camera_info"), distances={"points": Arrivals("/camera/points")})
    for name in ("camera_info", "points"):
        found = status(health, name)
        assert found.level == Level.OK and f"{name}_topic" in found.message


def test_depth_that_matches_is_well_and_its_lag_is_a_value():
    found = status(distances(), "depth")
    assert found.level == Level.OK and found.values["stamps ahead of the image's"] == "0.000 s"


def test_optional_inputs_warn_with_their_cause():
    health = distances()
    health.distances["depth"].refused = "expected 32FC1"
    health.camera_info.unfit = "it was cropped"
    for name, cause in (("depth", "expected 32FC1"), ("camera_info", "it was cropped")):
        assert status(health, name).level == Level.WARN and cause in status(health, name).message


def test_depth_that_ended_never_came_or_lacks_a_camera_info():
    assert "no depth for 5 s" in status(distances(), "depth", now_s=15.0).message
    health = distances()
    health.camera_info.taken = 0
    assert "camera_info_topic" in status(health, "depth").message
    health.distances["depth"] = Arrivals("/camera/depth")
    health.distances["depth"].publishers = (QoS(),)
    assert status(health, "depth").level == Level.WARN and "512 KiB" in status(health, "depth").message


def test_parameters_that_are_not_used_are_a_warning():
    found = status(healthy(unused_parameters="unknown parameter treshold (nearest: threshold)"), "node")
    assert found.level == Level.WARN and "treshold" in found.message
