"""A live view as a whole: its feeds, its engine once the model is loaded, and what the page is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c3n_model.devices.feeds import Feed, Item

if TYPE_CHECKING:  # torch takes seconds to import, and the page shall be there before
    from c3n_model.live.engine import Engine, Second
    from c3n_model.streaming.explain import Ranking

SHOWN = 5  # classes and pairs


class LiveView:
    """Runs the feeds and the engine in threads between `start` and `stop`.

    Args:
        feeds: at least one of pictures and one of sound.
        load: makes the engine; runs in a thread, as it may take seconds. It is given a function that takes what it does.
        bags: folder for saved bags.
        on_failure: called in that thread if `load` raised; `failure` then has the exception.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        load: Callable[[Callable[[str], None]], Engine],
        bags: Path,
        on_failure: Callable[[], None] = lambda: None,
    ):
        self._feeds, self._load, self._bags = feeds, load, bags
        self.on_failure = on_failure
        self.engine: Engine | None = None
        self.failure: Exception | None = None
        self.status = "loading the model"
        self.stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._rejected: dict[str, str] = {}

    def start(self) -> None:
        """Load the model in a thread, then start the feeds."""
        self._start(self._begin, "load")

    def stop(self) -> None:
        """End all threads."""
        self.stopped.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _begin(self) -> None:
        try:
            engine = self._load(self._say)
        except Exception as error:  # whatever a file, a driver or a library raises: the command reports it
            self.failure = error
            self.on_failure()
            return
        self.engine, self.status = engine, "waiting for the first second"
        self._start(lambda: engine.run(self.stopped), "network")
        for feed in self._feeds:
            self._start(lambda feed=feed: feed.run(self._pusher(feed, engine), self.stopped), feed.name)

    def _pusher(self, feed: Feed, engine: Engine) -> Callable[[Item], None]:
        def push(item: Item) -> None:
            try:
                engine.push(item)
            except ValueError as error:
                self._rejected[feed.name] = f"{feed.name}: {error}"

        return push

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _say(self, text: str) -> None:
        self.status = text

    def describe(self, after: int = 0) -> dict[str, Any]:
        """What the page is told ten times a second, as JSON values; of the seconds those with a number above `after`."""
        engine = self.engine
        problems = [feed.problem for feed in self._feeds if feed.problem] + list(self._rejected.values())
        if engine is None:
            return {"status": self.status, "problems": problems, "seconds": []}
        seconds = [second for second in list(engine.timeline) if second.number > after]
        return {
            "status": "running" if engine.counts.windows else self.status,
            "problems": [*problems, *filter(None, [engine.problem])],
            "level_dbfs": round(engine.level_dbfs(), 1),
            "dropped": engine.counts.dropped_windows,
            "settings": asdict(engine.settings),
            "seconds": [describe_second(second) for second in seconds],
        }

    def about(self) -> dict[str, Any]:
        """What does not change once the model is loaded: its classes, its note and the names of the feeds."""
        engine = self.engine
        return {
            "labels": list(engine.labels) if engine else [],
            "note": engine.note if engine else "",
            "feeds": [feed.name for feed in self._feeds],
        }

    def save_bag(self) -> dict[str, Any]:
        """Write the last seconds as a bag. Raises ValueError as `LastSeconds.save`, OSError."""
        if self.engine is None:
            raise ValueError("the model is still loading")
        path = self._bags / time.strftime("live_%Y%m%d_%H%M%S")
        seconds = self.engine.last_seconds.save(path)
        return {"path": str(path), "seconds": round(seconds, 1)}


def describe_second(second: Second) -> dict[str, Any]:
    """A second as JSON values; boxes as fractions of the picture."""
    segmentation, evidence = second.segmentation, second.evidence
    label, presence = segmentation.label, segmentation.presence
    height, width = segmentation.mask.shape
    objects = [
        {
            "id": one.id,
            "label": one.label,
            "score": one.score,
            "motion": one.motion,
            "box": [one.box[0] / width, one.box[1] / height, one.box[2] / width, one.box[3] / height],
        }
        for one in segmentation.objects
    ]
    return {
        "number": second.number,
        "start_s": segmentation.window_start_ns / 1e9,
        "audio": label.audio,
        "visual": label.visual,
        "audio_score": label.audio_score,
        "visual_score": label.visual_score,
        "consensus": label.consensus,
        "reason": presence.reason,
        "presence": presence.score,
        "loudness_dbfs": presence.loudness_dbfs,
        "heard_fraction": segmentation.heard,
        "mask_fraction": float(segmentation.mask.mean()),
        "objects": objects,
        "named": [list(pair) for pair in segmentation.pairs],
        "motion": segmentation.motion_decision,
        "motion_cause": second.motion_cause,
        "heard": _best(evidence.audio) if evidence else [],
        "seen": _best(evidence.visual) if evidence else [],
        "pairs": [[pair.audio, pair.visual, pair.consensus] for pair in evidence.pairs[:SHOWN]] if evidence else [],
        "took_s": second.took_s,
    }


def _best(ranking: Ranking | None) -> list[list]:
    if ranking is None:
        return []
    return [[label, float(value)] for label, value in zip(ranking.labels[:SHOWN], ranking.confidence, strict=False)]
