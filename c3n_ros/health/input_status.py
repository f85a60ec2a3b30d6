"""Statuses of camera, microphone, topics and synchronisation."""

from __future__ import annotations

from c3n_ros.health.arrivals import Arrivals, Recent
from c3n_ros.health.guard import Failure
from c3n_ros.health.status import Level, Status

FAILURE_SHOWN_S = 10.0  # how long a skipped item raises a warning; it stays counted
PATIENCE_S = 3.0  # a stream without messages for longer is missing
CLOCKS_APART_S = 5.0  # a larger difference is not a delay: the stamps are from two clocks
OTHER_EPOCH_S = 1e6  # with a larger difference one clock counts from 1970, the other from start-up or is simulated
MAX_GAP_RATIO = MAX_LOST_RATIO = 0.05
MAX_SKEW_S = 0.499  # upper limit of the parameter max_skew_s

_LOST = {
    "image": "images over 512 KiB are lost with Fast DDS's default settings: start camera and node with dds_profile "
    "(config/fastdds_large_images.xml), or use image_transport:=compressed",
    "sound": "check the microphone driver, ROS_DOMAIN_ID and the network between the machines",
}


def camera_status(stream: Arrivals, now_s: float, listening_since_s: float, max_skew_s: float) -> Status:
    """Return the camera's status. `max_skew_s`: how far from 15/16 of a second an image may be, which sets the lowest rate."""
    images = stream.recent(now_s)
    values = {"topic": stream.topic, "images": str(stream.count), "passed over": str(stream.passed_over)}
    values |= {"lost": str(stream.lost), **statistics(images)}
    level, text = _arrival("camera", "image", stream, images, now_s, listening_since_s)
    if level != Level.OK:
        return Status("camera", level, text, values)
    if stream.refused:
        remedy = "set the camera driver to a supported encoding, or convert its images"
        return Status("camera", Level.ERROR, f"image not used: {stream.refused}; {remedy}", values)
    if images.lost_ratio > MAX_LOST_RATIO:
        text = f"{images.lost_ratio:.0%} of the images are lost on the way ({stream.lost} so far)"
        return Status("camera", Level.WARN, f"{text}: {_LOST['image']}", values)
    if stream.unfit:
        return Status("camera", Level.WARN, stream.unfit, values)
    if stream.count > 1 and 2 * max_skew_s * images.rate_hz < 1:
        needed_s = min(0.5 / images.rate_hz, MAX_SKEW_S)
        text = f"{images.rate_hz:.1f} Hz is too slow: some seconds have no image within max_skew_s"
        return Status("camera", Level.WARN, f"{text}; set it to {needed_s:.2f}, or raise the camera's rate", values)
    return Status("camera", Level.OK, f"{images.rate_hz:.1f} Hz", values)


def microphone_status(
    stream: Arrivals, now_s: float, listening_since_s: float, description: Arrivals | None = None
) -> Status:
    """Return the microphone's status; `description` is the topic of its AudioInfo."""
    sound = stream.recent(now_s)
    values = {"topic": stream.topic, "messages": str(stream.count), "lost": str(stream.lost), **statistics(sound)}
    if sound is not None:
        values["gap ratio"] = f"{sound.gap_ratio:.3f}"
    if stream.refused:  # first: what is refused does not count as arrived
        return Status("microphone", Level.ERROR, f"sound not used: {stream.refused}", values)
    level, text = _arrival("microphone", "sound", stream, sound, now_s, listening_since_s)
    if level != Level.OK:
        return Status("microphone", level, text, values)
    if sound.gap_ratio > MAX_GAP_RATIO:
        text = f"{sound.gap_ratio:.0%} of the sound is missing: the driver or the network loses messages"
        remedy = (
            f"run the driver on this machine, or set qos_overrides.{stream.topic}.subscription.reliability to reliable"
        )
        return Status("microphone", Level.WARN, f"{text}; {remedy}", values)
    if stream.unfit:
        return Status("microphone", Level.WARN, stream.unfit, values)
    if description is not None and description.unmatched():
        return Status("microphone", Level.WARN, _qos_mismatch(description), values)
    return Status("microphone", Level.OK, f"{sound.rate_hz:.0f} messages per second", values)


def topics_status(failures: dict[str, Failure], publishers: dict[str, tuple[str, ...]], now_s: float) -> Status:
    """Return the status of recently skipped items, by source, and of topics that several nodes publish."""
    shared = {topic: nodes for topic, nodes in publishers.items() if len(nodes) > 1}
    recent = {source: failure for source, failure in failures.items() if now_s - failure.at_s < FAILURE_SHOWN_S}
    values = {f"skipped {source}": str(failure.count) for source, failure in failures.items()}
    values |= {f"publishers of {topic}": ", ".join(nodes) for topic, nodes in publishers.items()}
    causes = [
        f"{topic} has {len(nodes)} publishers ({', '.join(nodes)}), windows contain one of them or a mixture: stop all but one, "
        "or remap this node's topic to the intended one"
        for topic, nodes in shared.items()
    ]
    causes += [
        f"{source}: {failure.count} skipped, the last one: {failure.cause}" for source, failure in recent.items()
    ]
    if causes:
        return Status("topics", Level.WARN, "; ".join(causes), values)
    return Status("topics", Level.OK, "at most one publisher per topic, nothing skipped recently", values)


def synchronisation_status(images: Recent | None, sound: Recent | None, max_wait_s: float, clock_jumps: int) -> Status:
    """Return whether images and sound that arrive together have matching stamps.

    `max_wait_s`: how far one stream may run ahead before windows close without the other.
    """
    if images is None or sound is None:
        return Status("synchronisation", Level.STALE, "both streams must arrive before their stamps can be compared")
    ahead_s = images.offset_s - sound.offset_s
    values = {"image stamps ahead of sound": f"{ahead_s:.3f} s", "clock jumps": str(clock_jumps)}
    apart_s = abs(ahead_s)
    text = f"image stamps are {apart_s:.2f} s {'ahead of' if ahead_s > 0 else 'behind'} the sound's"
    if apart_s > OTHER_EPOCH_S:
        other = "the sound seems" if ahead_s > 0 else "images seem"
        remedy = f"{other} to be stamped from start-up or by a simulation; both drivers must stamp from the same clock"
        return Status("synchronisation", Level.ERROR, f"{text}: {remedy}", values)
    if apart_s > CLOCKS_APART_S:
        remedy = "set both drivers to the same clock (chrony or ptp between machines)"
        return Status("synchronisation", Level.ERROR, f"{text}, no window contains both: {remedy}", values)
    if apart_s > max_wait_s:
        remedy = f"synchronise the clocks, or set max_wait_s to {apart_s + 0.2:.1f} if one stream is only delayed"
        return Status("synchronisation", Level.WARN, f"{text}: {remedy}", values)
    return Status("synchronisation", Level.OK, text, values)


def _arrival(
    device: str, what: str, stream: Arrivals, recent: Recent | None, now_s: float, listening_since_s: float
) -> tuple[Level, str]:
    """Return OK, or why a stream does not arrive or has unusable stamps."""
    if recent is not None and recent.age_s < PATIENCE_S:
        if recent.has_constant_stamps:
            return (
                Level.ERROR,
                f"every {what} has the same stamp: the {device} driver must stamp each message with its own time",
            )
        return Level.OK, ""
    age_s, waited_s = stream.age_s(now_s), now_s - listening_since_s
    has_arrived = age_s is not None and age_s <= waited_s
    if not has_arrived and waited_s < PATIENCE_S:
        return Level.WARN, f"waiting for the first {what}"
    if not stream.publishers:
        return Level.ERROR, f"nothing publishes {stream.topic}: start the {device} driver, or set its topic at launch"
    if sum(stream.unmatched().values()) == len(stream.publishers):
        return Level.ERROR, _qos_mismatch(stream)
    if has_arrived:
        return Level.ERROR, f"no {what} for {age_s:.0f} s: check the {device} driver"
    return Level.ERROR, f"{stream.topic} has a publisher, but no {what} arrived: {_LOST[what]}"


def _qos_mismatch(stream: Arrivals) -> str:
    """Return which requested policies the publishers do not offer, and how to request less, in one line."""
    values = {"reliability": ("best_effort", "reliable"), "durability": ("volatile", "transient_local")}
    return " and ".join(
        f"{stream.topic} is offered {values[policy][0]} but {values[policy][1]} is requested: set "
        f"qos_overrides.{stream.topic}.subscription.{policy} to {values[policy][0]}"
        for policy in stream.unmatched()
    )


def statistics(recent: Recent | None) -> dict[str, str]:
    """Return rate and age as text."""
    if recent is None:
        return {"rate": "0.0 Hz"}
    return {"rate": f"{recent.rate_hz:.1f} Hz", "age": f"{recent.age_s:.2f} s"}
