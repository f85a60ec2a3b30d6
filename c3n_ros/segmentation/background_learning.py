"""`~/learn_background`: learn the robot's own noise from the next seconds. Requested in the executor's thread, carried out in the
network thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from c3n_model.streaming.session import Session
from c3n_model.zero_shot.background import LEARNING_S, load_background


class BackgroundLearning:
    """The background of a robot for one session: read from `file` if it exists, learnt on request and written to `file`."""

    def __init__(self, session: Session, file: str, log: Callable[[str], None]):
        """`file`: a CSV file, "" to keep the background in memory only; `log` is called with messages for the user.

        Raises:
            ValueError: the file is not a background of this model, or the model does not use one.
        """
        self._session, self._path, self._log = session, Path(file).expanduser() if file else None, log
        self._asked = self._learning = False
        if self._path is not None and self._path.is_file():
            session.background = load_background(self._path, session.model.audio_labels, session.model.tagger)
            log(f"background noise of the robot read from {self._path}")

    def ask(self) -> tuple[bool, str]:
        """Request a new background; return whether it will be learnt, and a message with what happens next or a remedy."""
        if getattr(self._session, "background", None) is None:
            return False, "this model does not use a background: use model:=zero_shot"
        self._asked = True
        kept = (
            f"and writes it to {self._path}" if self._path else "until it is deactivated: background_file would keep it"
        )
        return True, f"the node takes the next {LEARNING_S:.0f} s of sound as the robot's own noise, {kept}; keep quiet"

    def before_window(self) -> None:
        """Begin to learn if that was requested. Called in the session's thread."""
        if self._asked:
            self._asked, self._learning = False, True
            self._session.learn_background()

    def after_window(self) -> None:
        """Write the background when it is complete. Called in the session's thread. Raises OSError if it cannot be written."""
        if not self._learning or self._session.background.is_learning:
            return
        self._learning = False
        self._log("the robot's own noise was learnt")
        if self._path is not None:
            model = self._session.model
            self._session.background.save(self._path, model.audio_labels, model.tagger)
