"""The segmentation node: camera and microphone in, masks of sounding objects out. It is a managed (lifecycle) node:

| state | what exists |
|---|---|
| unconfigured | parameters, `~/enable`, /diagnostics |
| inactive | the model, on the CPU, and the publishers (`ros_outputs`) |
| active | the network on its device, two threads (`pipeline`) and the subscriptions (`ros_inputs`) |

With `autostart` the process configures and activates itself. The services are in `ros_services`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.parameter import Parameter

from c3n_model.model import Model
from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowAssembler
from c3n_ros.health.guard import in_one_line
from c3n_ros.health.ros_guard import Guarded
from c3n_ros.health.ros_parameter_check import unused_parameters
from c3n_ros.parameters import INACTIVE, LIVE, UNCONFIGURED, declare_parameters, with_changes
from c3n_ros.run_node import run, spin
from c3n_ros.segmentation.background_learning import BackgroundLearning
from c3n_ros.segmentation.model_choice import load_chosen, shown_classes
from c3n_ros.segmentation.perception import Perception
from c3n_ros.segmentation.pipeline import Pipeline
from c3n_ros.segmentation.ros_diagnostics import Diagnostics
from c3n_ros.segmentation.ros_inputs import Inputs
from c3n_ros.segmentation.ros_lifecycle import refuse_wrong_transitions
from c3n_ros.segmentation.ros_outputs import Outputs
from c3n_ros.segmentation.ros_services import serve
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters


class SegmentationNode(Guarded, LifecycleNode):
    """States and wiring: `_model` and `_outputs` exist while configured, `pipeline`, `inputs` and the session while active. All
    methods run in the executor's thread."""

    def __init__(
        self,
        *,
        load_model: Callable[[str], Model] | None = None,
        make_session: Callable[..., Session] = Session,
        **node_options,
    ):
        """`load_model` (in the place of the library's) gets the parameter `model`, `make_session` the loaded model, `device`,
        `runtime`, `precision` and `max_sources`; `node_options` are rclpy's. Raises ValueError for an invalid parameter."""
        super().__init__("segmentation", **node_options)
        refuse_wrong_transitions(self)
        self._load_model, self._make_session = load_model, make_session
        self.settings = declare_parameters(self, SegmentationParameters)  # replaced as a whole, never modified
        self._model: Model | None = None
        self._classes: tuple[str, ...] = ()
        self.outputs: Outputs | None = None
        self._session: Session | None = None
        self._perception: Perception | None = None
        self.pipeline: Pipeline | None = None
        self.inputs: Inputs | None = None
        self._diagnostics = Diagnostics(self)
        self._health = self._diagnostics.health
        self._health.unused_parameters = unused_parameters(self)
        self.add_on_set_parameters_callback(self._on_parameters)
        serve(self)
        self.create_timer(1.0, self._every_second, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def learning(self) -> BackgroundLearning | None:
        """Of the session, while active."""
        return self._perception.learning if self._perception is not None else None

    def start(self) -> bool:
        """Configure and activate, if the parameter `autostart` is set. Return whether that succeeded; the log says why not."""
        if not self.settings.autostart:
            return True
        steps = (self.trigger_configure, self.trigger_activate)
        return all(step() == TransitionCallbackReturn.SUCCESS for step in steps)

    def on_configure(self, state) -> TransitionCallbackReturn:
        """Load the model and create the publishers."""
        return self._attempt("configure", self._configure, self._clean_up)

    def on_activate(self, state) -> TransitionCallbackReturn:
        """Move the network to its device, warm it up and subscribe."""
        return self._attempt("activate", lambda: self._activate(state), self._deactivate)

    def on_deactivate(self, state) -> TransitionCallbackReturn:
        """Unsubscribe, finish the window in progress and free the device."""
        self._deactivate()
        return super().on_deactivate(state)  # deactivates the publishers

    def on_cleanup(self, state) -> TransitionCallbackReturn:
        """Release the model and the publishers; also after a failed transition: the node can be configured again."""
        self._clean_up()
        return TransitionCallbackReturn.SUCCESS

    on_error = on_cleanup

    def on_shutdown(self, state) -> TransitionCallbackReturn:
        """Release everything, in any state."""
        self._clean_up()
        self._health.state = "finalized"
        return TransitionCallbackReturn.SUCCESS

    def _attempt(self, name: str, step: Callable[[], None], undo: Callable[[], None]) -> TransitionCallbackReturn:
        """Run `step`; if it fails, undo it, log one line and stay in the same state."""
        self._health.model_refused = ""
        try:
            step()
        except Exception as error:  # whatever a file, a driver or a library raises
            undo()
            self._health.model_refused = in_one_line(error)
            self.get_logger().error(f"cannot {name}: {in_one_line(error)}")
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        self._health.model = self.settings.model
        load, settings = self._load_model, self.settings
        model = load(settings.model) if load else load_chosen(settings, self.get_logger().info)
        self._model, self._classes = model, shown_classes(settings, model)
        self._health.fingerprint = self._model.fingerprint
        self.outputs = Outputs(self, self._model.visual_labels)
        self._health.state = "inactive"

    def _activate(self, state) -> None:
        self._prepare()
        super().on_activate(state)  # the publishers, before anything is published
        self._listen()
        note = self._model.card.get("note", "")
        threads = f", threads: {self._perception.threads}" if self._perception.threads else ""
        text = f"listening with model {self.settings.model} on {self._session.device}{threads}. {note}"
        self.get_logger().info(text.strip())

    def _prepare(self) -> None:
        settings = self.settings
        how = {"runtime": settings.runtime, "precision": settings.precision, "max_sources": settings.max_sources}
        self._session = self._make_session(self._model, settings.device, **how)
        motion = MotionMemory() if settings.compare_motion else None
        self.pipeline = Pipeline(WindowAssembler(self._model.sample_rate, rules=settings.rules), self.guard, motion)
        self.inputs = Inputs(self, settings, self.pipeline)
        learning = BackgroundLearning(self._session, settings.background_file, self.get_logger().info)
        self._perception = Perception(
            self._session, settings, self.inputs, self.outputs, self._health, self.guard, learning, motion
        )
        self._perception.warm_up()

    def _listen(self) -> None:
        settings, health = self.settings, self._health
        self.outputs.announce(settings)
        self.pipeline.start(self._perception.segment)
        if health.enabled:
            self.inputs.open()
        self._diagnostics.watch(self.inputs, self.pipeline)
        health.device, health.state = str(self._session.device), "active"
        self._apply(settings)

    def _restart(self, dead_threads: list[str]) -> None:
        """Replace threads, buffers and session: whatever ended a thread may have left them in an inconsistent state.

        If that fails, end the process with status 1, so that its supervisor (respawn, systemd) starts another.
        """
        self.get_logger().error(
            f"thread {' and '.join(dead_threads)} ended unexpectedly: restarting with empty buffers"
        )
        self._deactivate()
        try:
            self._prepare()
            self._listen()
        except Exception as error:
            self.get_logger().fatal(f"cannot restart: {in_one_line(error)}")
            raise SystemExit(1) from error

    def _deactivate(self) -> None:
        if self.inputs is not None:
            self.inputs.close()
        if self.pipeline is not None:
            self.pipeline.stop()
        if self._session is not None:
            self._session.close()
        self.inputs = self.pipeline = self._perception = self._session = None
        self._health.state, self._health.device_memory_bytes = "inactive", None

    def _clean_up(self) -> None:
        self._deactivate()
        if self.outputs is not None:
            self.outputs.close()
        self.outputs = self._model = None
        self._health.state = "unconfigured"

    def _on_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        state = LIVE if self.pipeline is not None else INACTIVE if self._model is not None else UNCONFIGURED
        try:
            settings = with_changes(self.settings, changes, state)
            self._classes = shown_classes(settings, self._model)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self.settings = settings
        self._apply(self.settings)
        return SetParametersResult(successful=True)

    def _apply(self, settings: SegmentationParameters) -> None:
        health = self._health
        health.hop_s, health.max_skew_s, health.max_wait_s = settings.hop_s, settings.max_skew_s, settings.max_wait_s
        if self.pipeline is not None:
            self._perception.settings, self._perception.classes = settings, self._classes
            if settings.rules != self.pipeline.rules:
                self.pipeline.rules = settings.rules

    def enable(self, wanted: bool) -> None:
        """Subscribe, or pause by unsubscribing; for `~/enable`."""
        self._health.enabled = wanted
        if self.inputs is not None and wanted != self.inputs.is_open:
            (self.inputs.open if wanted else self.inputs.close)()
            self._health.listening_since_s = time.monotonic()

    def _every_second(self) -> None:
        if self.inputs is not None and self.inputs.is_open:
            self.inputs.check_publishers()
        if self._session is not None:
            self._health.device_memory_bytes = self._session.device_memory_bytes
        dead_threads = self.pipeline.dead_threads if self.pipeline is not None else []
        if dead_threads:
            self._health.on_threads_ended(dead_threads)
        self._diagnostics.report(self.inputs, self.pipeline, self.guard.failures)
        if dead_threads:
            self._restart(dead_threads)

    def destroy_node(self) -> None:
        """Finish the window in progress, then destroy the node."""
        self._clean_up()
        super().destroy_node()


def main() -> int:
    """Run until a signal; return 1 after one line if the node cannot start."""

    def work(stop: threading.Event) -> int:
        node = SegmentationNode()
        try:
            if not node.start():
                return 1
            spin(node, stop)
        finally:
            node.destroy_node()
        return 0

    return run("segmentation", work)


if __name__ == "__main__":
    raise SystemExit(main())
