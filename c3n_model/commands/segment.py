"""`c3n segment`: write masks, labels and an overlay video of a recording."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from c3n_model.commands.recording import add_recording, load_chosen_model, open_recording


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("segment", help="write masks, labels and an overlay video of a bag, video or folder")
    add_recording(command, out_help="folder for masks, labels.jsonl, overlay.mp4")
    command.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        help="probability above which a pixel is in the mask (default %(default)s)",
    )
    command.add_argument(
        "--runtime",
        default="auto",
        help="torch; onnxruntime or openvino for a model that c3n export wrote (default %(default)s)",
    )
    command.add_argument(
        "--precision", default="float32", help="float32, or bfloat16 where the device has it (default %(default)s)"
    )
    command.add_argument(
        "--max-sources",
        type=int,
        default=1,
        metavar="N",
        help="sounding objects with different labels that are named at once (default %(default)s, as in the paper)",
    )
    command.add_argument(
        "--background",
        type=Path,
        metavar="FILE",
        help="background of the robot, written by --learn-background or the node (zero_shot only)",
    )
    command.add_argument(
        "--learn-background",
        type=Path,
        metavar="FILE",
        help="learn the robot's background from this recording, in which nothing else may be audible, and write it",
    )
    command.add_argument(
        "--microphone-array",
        metavar="FILE",
        help="YAML file of a microphone array's geometry, or the name of a preset: the direction of the sound chooses among objects",
    )
    command.add_argument(
        "--camera-fov",
        type=float,
        metavar="DEGREES",
        help="horizontal angle of view of the camera, needed with --microphone-array",
    )
    command.add_argument(
        "--compare-motion",
        action="store_true",
        help="of several objects of a class keep the one that moves in time with the sound, where one clearly does",
    )
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Write the results to `options.out`; return one line per second."""
    from c3n_model.motion.motion_memory import MotionMemory
    from c3n_model.progress import bar
    from c3n_model.sources.results import ResultWriter
    from c3n_model.streaming.segment import describe_missing, describe_second, segment
    from c3n_model.streaming.session import Session
    from c3n_model.zero_shot.background import load_background

    array = _array(options)
    source = open_recording(options, array.channels if array is not None else ())
    model = load_chosen_model(options)
    background = load_background(options.background, model.audio_labels, model.tagger) if options.background else None
    session = Session(
        model, options.device, threshold=options.threshold, background=background,
        runtime=options.runtime, precision=options.precision, max_sources=options.max_sources,
    )  # fmt: skip
    if options.learn_background:
        session.learn_background(math.inf)
    motion = MotionMemory() if options.compare_motion else None
    lines, starts_ns = [], []
    with ResultWriter(options.out, options.input) as results:
        show, refine = _show(results, motion), _refine(array, options.camera_fov, motion)
        for segmentation in segment(bar(source, source.name), session, show=show, refine=refine):
            results.write(segmentation)
            lines.append(describe_second(segmentation))
            starts_ns.append(segmentation.window_start_ns)
    if options.learn_background:
        session.background.finish()
        session.background.save(options.learn_background, model.audio_labels, model.tagger)
    note = session.model.card.get("note", "")
    about = f"model {options.model}: {note}" if note else f"model {options.model}"
    missing = describe_missing(starts_ns, source.duration_s)
    return "\n".join([*source.notes, *lines, *missing, about, f"wrote {options.out}"])


def _array(options) -> Any:
    """Return the microphone array, None without one. Raises ValueError if one of the two arguments is missing."""
    from c3n_model.direction.microphone_array import load_array

    if (options.microphone_array is None) != (options.camera_fov is None):
        raise ValueError("expected --microphone-array and --camera-fov together, or neither: a direction needs both")
    return load_array(options.microphone_array) if options.microphone_array is not None else None


def _show(results: Any, motion: Any) -> Callable[[Any], None]:
    """Return what every item of the recording is shown to: the results, and the motion if it is compared."""

    def show(item: Any) -> None:
        results.show(item)
        motion.see(item)

    return results.show if motion is None else show


def _refine(array: Any, camera_fov: float | None, motion: Any) -> Callable[[Any, Any], Any]:
    """Return what chooses among the objects of a window: direction first, then motion among those that are left."""
    from c3n_model.direction.refinement import by_direction, keep

    by_array = by_direction(array, camera_fov) if array is not None and camera_fov is not None else keep
    return by_array if motion is None else lambda found, window: motion.choose(by_array(found, window), window)
