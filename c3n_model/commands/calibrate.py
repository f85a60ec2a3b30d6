"""`c3n calibrate`: fit the threshold of the zero-shot model to your own data and an acceptable rate of false masks."""

from __future__ import annotations

from pathlib import Path

FALSE_MASKS_PER_HOUR = 180.0  # a twentieth of the seconds in which nothing in view sounds


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("calibrate", help="fit the threshold of the zero-shot model on images and sounds")
    command.add_argument(
        "data", type=Path, help="folder with the layout of zero-shot-bench: coco/, esc10/, clips/ with truth.json ..."
    )
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="YAML file of settings to write; its plot is a .png"
    )
    command.add_argument("--model", default="zero_shot", help="zero_shot, or a YAML file with its settings")
    command.add_argument(
        "--false-masks-per-hour",
        type=float,
        default=FALSE_MASKS_PER_HOUR,
        metavar="N",
        help="maximum number of masks per hour of seconds in which nothing in view sounds (default %(default)s)",
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Write settings with the fitted threshold and a plot; return a summary of the error rates."""
    from c3n_model.experiments.zero_shot.calibration import draw, predict_half, summary, write_settings
    from c3n_model.experiments.zero_shot.encoding_cache import cache_encodings
    from c3n_model.experiments.zero_shot.halves import tuned_on
    from c3n_model.loading import load_model
    from c3n_model.model import choose_device
    from c3n_model.progress import bar
    from c3n_model.scoring.operating_point import choose_threshold, operating_point

    if options.out.suffix not in (".yaml", ".yml"):
        raise ValueError(f"{options.out} is not a YAML file; expected a name such as calibrated.yaml, for --model")
    model, device = load_model(options.model), choose_device(options.device)
    if not hasattr(model.network, "vocabulary"):
        raise ValueError(f"{options.model} is not a zero-shot model; expected zero_shot or a YAML file of its settings")
    cache_encodings(model)
    images = options.data / "coco" / "images"
    has_tuning = any(path.stem in tuned_on() for path in images.glob("*"))
    halves = {"fitted": predict_half(model, options.data, has_tuning, device, bar)}
    if has_tuning:
        halves["other half"] = predict_half(model, options.data, False, device, bar)
    threshold = choose_threshold(halves["fitted"], options.false_masks_per_hour)
    points = [operating_point(outcomes, threshold) for outcomes in halves.values()]
    fitted, checked = points[0], points[1] if has_tuning else None
    write_settings(options.out, model, fitted, checked, command_line)
    draw(options.out.with_suffix(".png"), halves, fitted)
    return f"{summary(fitted, checked)}\nwrote {options.out} and {options.out.with_suffix('.png').name}"
