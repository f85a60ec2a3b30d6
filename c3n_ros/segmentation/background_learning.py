"""`~/learn_background`: the next seconds are the robot's own noise. Asked for in the executor's thread, done in the network's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from c3n_model.streaming.session import Session
from c3n_model.zero_shot.background import LEARNING_S, load_background


class BackgroundLearning:
    """What a robot hears of itself, for one session: read from `file` if it is there, learnt on request and written to it."""

    def __init__(self, session: Session, file: str, log: Callable[[str], None]):
        """`file`: a CSV file, "" to keep the background in memory alone; `log` takes a line about what was done.

        Raises:
            ValueError: the file is not a background of this model, or the model tells no background from other sounds.
        """
        self._session, self._path, self._log = session, Path(file).expanduser() if file else None, log
        self._asked = self._learning = False
        if self._path is not None and self._path.is_file():
            session.background = load_background(self._path, session.model.audio_labels)
            log(f"background noise of the robot read from {self._path}")

    def ask(self) -> tuple[bool, str]:
        """Ask for a new background; return whether there will be one, and what is going to happen or what to do instead."""
        if getattr(self._session, "background", None) is None:
            return False, "this model tells no background from other sounds: use model:=zero_shot"
        self._asked = True
        kept = (
            f"and writes it to {self._path}" if self._path else "until it is deactivated: background_file would keep it"
        )
        return True, f"the node takes the next {LEARNING_S:.0f} s of sound as the robot's own noise, {kept}; keep quiet"

    def before_window(self) -> None:
        """Begin to learn if that was asked for. Called in the session's thread."""
        if self._asked:
            self._asked, self._learning = False, True
            self._session.learn_background()

    def after_window(self) -> None:
        """Write what was learnt, once it is complete. Called in the session's thread. Raises OSError if it cannot be written."""
        if not self._learning or self._session.background.is_learning:
            return
        self._learning = False
        self._log("the robot's own noise was learnt")
        if self._path is not None:
            self._session.background.save(self._path, self._session.model.audio_labels)
