"""Subscriptions that sleep: meanwhile their messages wait in DDS, where newer ones replace the oldest, and wake nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.subscription import Subscription

from c3n_model.streaming.windows import WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.health.arrivals import Arrivals
from c3n_ros.segmentation.naps import Pace, image_nap_ns, sound_nap_ns

_NEVER_S = 3600.0


class Nap(CallbackGroup):
    """The callback group of one subscription; the executor waits for its messages only while it is awake.

    `due_ns` is the stamp for which it wakes, None while awake; `on_wake` then takes what is waiting, without another round of
    the executor. For an executor with one thread.
    """

    def __init__(self, node: Node, timers: CallbackGroup):
        """`timers` is the group of the alarm clock, which never sleeps."""
        super().__init__()
        self._node, self._until_ns = node, 0
        self.due_ns: int | None = None
        self.on_wake: Callable[[], None] = lambda: None
        self._alarm = node.create_timer(
            _NEVER_S, self.wake, callback_group=timers, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._alarm.cancel()

    def sleep(self, duration_ns: int, due_ns: int) -> None:
        """Sleep for `duration_ns`, or until `wake`."""
        self._until_ns, self.due_ns = time.monotonic_ns() + duration_ns, due_ns
        self._alarm.timer_period_ns = duration_ns
        self._alarm.reset()

    def wake(self) -> None:
        """Take messages from now on."""
        self._until_ns, self.due_ns = 0, None
        self._alarm.cancel()
        self.on_wake()

    def close(self) -> None:
        """Destroy the alarm clock."""
        self._node.destroy_timer(self._alarm)

    def can_execute(self, entity: Any) -> bool:
        """Whether the subscription is awake; by the clock, too, so that it does not depend on the alarm."""
        return not self._until_ns or time.monotonic_ns() >= self._until_ns

    def beginning_execution(self, entity: Any) -> bool:
        """Whether a callback may begin."""
        return True

    def ending_execution(self, entity: Any) -> None:
        """Nothing to release."""


def take_waiting(subscription: Subscription, take: Callable[[bytes, Any], None]) -> int:
    """Call `take(data, info)` with everything that has arrived; return how many messages that were.

    The executor takes one message in a round, a round costs a millisecond, and on a busy machine DDS would drop the others.
    """
    count = 0
    with subscription.handle:
        while (taken := subscription.handle.take_message(subscription.msg_type, True)) is not None:
            take(*taken)
            count += 1
    return count


class ImageNaps:
    """Naps of one stream of images, and how many were replaced in DDS meanwhile, by the numbers that their publisher gave them.

    Without numbers (Humble), or with several publishers, it never sleeps: every image is taken or counted. Nor unless `may_sleep`:
    motion needs the images in between.
    """

    def __init__(self, nap: Nap, stream: Arrivals):
        self.nap, self.stream, self.may_sleep = nap, stream, True
        self._stamp_ns = 0  # of the newest image
        self._number: int | None = None  # of the newest image, and what `_stream` counted when it came:
        self._taken = self._lost = 0
        self._rested_s = 0.0

    def see(self, stamp_ns: int, info: Any) -> None:
        """Take the stamp of an image that was added to the stream, and rclpy's information on the message."""
        number = info.get("publication_sequence_number") if isinstance(info, dict) else None
        stream = self.stream
        if self._can_count and number is not None and number > self._number:  # a restarted publisher begins again
            missing = number - self._number - (stream.taken - self._taken) - (stream.lost - self._lost)
            if missing > 0:
                stream.pass_over(self._rested_s, missing)
        self._stamp_ns, self._number = stamp_ns, number
        self._taken, self._lost = stream.taken, stream.lost

    def rest(self, pace: Pace, rules: WindowRules) -> None:
        """Sleep until the next image that a window may use, if there is time."""
        self._rested_s = time.monotonic()
        duration_ns = image_nap_ns(self._stamp_ns, rules)
        if (
            duration_ns
            and self.may_sleep
            and self._can_count
            and pace.is_real_time
            and pace.agrees_with(self._stamp_ns)
        ):
            self.nap.sleep(duration_ns, self._stamp_ns + duration_ns)

    def on_sound(self, stamp_ns: int) -> None:
        """Wake if the sound's clock is where the next image is due, or jumped."""
        due_ns = self.nap.due_ns
        if due_ns is not None and not due_ns - 2 * NANOSECONDS_PER_SECOND < stamp_ns < due_ns:
            self.nap.wake()

    @property
    def _can_count(self) -> bool:
        return self._number is not None and len(self.stream.publishers) == 1


class Naps:
    """The naps of all subscriptions, from `Inputs.open` to `close`. All of it runs in the executor's thread."""

    def __init__(self, node: Node):
        self._node, self._timers = node, MutuallyExclusiveCallbackGroup()
        self._pace = Pace()
        self._images: list[ImageNaps] = []
        self.sound = Nap(node, self._timers)

    def add_images(self, stream: Arrivals) -> ImageNaps:
        """Return the naps of another stream of images."""
        self._images.append(ImageNaps(Nap(self._node, self._timers), stream))
        return self._images[-1]

    def remove(self, stream: Arrivals) -> None:
        """Forget a stream whose subscription was destroyed."""
        for images in [images for images in self._images if images.stream is stream]:
            images.nap.close()
            self._images.remove(images)

    def after_images(self, images: ImageNaps, rules: WindowRules) -> None:
        """Let a stream of images sleep, after everything was taken that had arrived."""
        images.rest(self._pace, rules)

    def after_sound(self, stamp_ns: int, messages: int, rules: WindowRules) -> None:
        """Let the sound sleep, likewise; `stamp_ns` is that of the newest of so many `messages`."""
        self._pace.add(stamp_ns, time.monotonic_ns(), messages)
        for images in self._images:
            images.on_sound(stamp_ns)
        duration_ns = sound_nap_ns(stamp_ns, self._pace.message_ns, rules)
        if duration_ns and self._pace.is_real_time:
            self.sound.sleep(duration_ns, stamp_ns + duration_ns)

    def close(self) -> None:
        """Destroy the alarm clocks."""
        for nap in (self.sound, *(images.nap for images in self._images)):
            nap.close()
