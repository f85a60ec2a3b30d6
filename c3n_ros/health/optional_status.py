"""Statuses of the inputs that masks do not need: camera_info for directions, depth or points for positions."""

from __future__ import annotations

from c3n_ros.health.arrivals import Arrivals
from c3n_ros.health.input_status import MAX_LOST_RATIO, PATIENCE_S, statistics
from c3n_ros.health.status import Level, Status

_LOST = (
    "messages over 512 KiB are lost with Fast DDS's default settings: start driver and node with dds_profile "
    "(config/fastdds_large_images.xml); else check the network and ROS_DOMAIN_ID"
)


def camera_info_status(stream: Arrivals, now_s: float, listening_since_s: float) -> Status:
    """Return the status of the camera's calibration. Once is enough: it need not be recent."""
    values = _values(stream, now_s)
    if stream.count == 0:
        level, text = _not_arrived(stream, now_s, listening_since_s, "camera_info_topic", "directions")
        return Status("camera_info", level, text, values)
    cause = stream.refused or stream.unfit
    if cause:
        return Status("camera_info", Level.WARN, f"no directions: {cause}", values)
    return Status("camera_info", Level.OK, "calibrated", values)


def distance_status(
    name: str, stream: Arrivals, camera: Arrivals, camera_info: Arrivals, now_s: float, listening_since_s: float
) -> Status:
    """Return the status of `name`, "depth" or "points"; `camera` are the images whose stamps it has to match."""
    values = _values(stream, now_s)
    age_s, distances, images = stream.age_s(now_s), stream.recent(now_s), camera.recent(now_s)
    if age_s is None:
        level, text = _not_arrived(stream, now_s, listening_since_s, f"{name}_topic", "positions from it")
        return Status(name, level, text, values)
    if age_s > PATIENCE_S:
        text = f"no {name} for {age_s:.0f} s: check what publishes {stream.topic}"
        return Status(name, Level.WARN, text, values)
    if distances and images:
        values["stamps ahead of the image's"] = f"{distances.offset_s - images.offset_s:.3f} s"
    if distances and distances.lost_ratio > MAX_LOST_RATIO:
        text = f"{distances.lost_ratio:.0%} of the messages are lost on the way ({stream.lost} so far): {_LOST}"
        return Status(name, Level.WARN, text, values)
    if stream.refused or stream.unfit:
        return Status(name, Level.WARN, f"{name} not used: {stream.refused or stream.unfit}", values)
    if camera_info.count == 0:
        text = f"{name} not used: no camera_info arrived on {camera_info.topic}, which positions need"
        return Status(name, Level.WARN, f"{text}; set camera_info_topic", values)
    return Status(name, Level.OK, values["rate"], values)


def _not_arrived(
    stream: Arrivals, now_s: float, listening_since_s: float, argument: str, consequence: str
) -> tuple[Level, str]:
    if not stream.publishers:
        return Level.OK, f"nothing publishes {stream.topic}: no {consequence}; set {argument} if there is one"
    if now_s - listening_since_s < PATIENCE_S:
        return Level.OK, "waiting for the first message"
    return Level.WARN, f"{stream.topic} has a publisher, but nothing usable arrived: {stream.refused or _LOST}"


def _values(stream: Arrivals, now_s: float) -> dict[str, str]:
    return {
        "topic": stream.topic,
        "messages": str(stream.count),
        "lost": str(stream.lost),
        **statistics(stream.recent(now_s)),
    }
