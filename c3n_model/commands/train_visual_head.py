"""`c3n train-visual-head`: a classifier of ImageNet's classes and those of annotated pictures on a frozen backbone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

FEWEST_PICTURES = 5  # that show a class, and that do not


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "train-visual-head", help="fit the visual classifier of a C3N to classes of annotated pictures, such as people"
    )
    command.add_argument("--images", type=Path, nargs="+", required=True, metavar="SOURCE", help="as of c3n compose")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="safetensors file to write, for c3n train --visual-head"
    )
    command.add_argument(
        "--visual",
        default="mobilenetv2_100",
        help="backbone with public weights: c3n weights list (default %(default)s)",
    )
    command.add_argument("--classes", nargs="+", metavar="NOUN", help="default: all that sound and ImageNet lacks")
    command.add_argument(
        "--composed", type=Path, help="folder of c3n compose: pictures of its val and test clips are not used"
    )
    command.add_argument("--image-size", type=int, default=224, help="of the frames (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="seed of the crops (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Fit the head, score it out of fold and save it."""
    import torch

    from c3n_model.compose.picture_set import open_pictures
    from c3n_model.compose.writer import held_out_pictures
    from c3n_model.labels.names import IMAGENET_CLASSES, imagenet_names
    from c3n_model.network.visual_encoder import VisualEncoder
    from c3n_model.progress import bar
    from c3n_model.training.visual_head import VisualHead, fit, observe_all
    from c3n_model.weights.pretrained import load_visual, weights_at_hand

    held_out = held_out_pictures(options.composed) if options.composed else frozenset()
    pictures = [picture for picture in open_pictures(options.images).pictures if picture.key not in held_out]
    classes, few = _choose_classes(pictures, options.classes)
    name = weights_at_hand(options.visual)
    encoder = VisualEncoder(name, IMAGENET_CLASSES, image_size=options.image_size)
    load_visual(encoder, name)
    examples = observe_all(encoder.eval(), pictures, classes, options.image_size, options.seed, bar)
    rows, biases, scores = fit(examples, classes)
    own = encoder.head()
    card = {"command": command_line, "pictures": len(pictures), "scores": scores, "too_few_pictures": few}
    weight, bias = torch.cat([own.weight.detach(), rows]), torch.cat([own.bias.detach(), biases])
    head = VisualHead(weight, bias, (*imagenet_names(), *classes), name, card)
    head.save(options.out)
    lines = [
        f"{noun}: AP {s['ap']:.3f}, AUC {s['auc']:.3f}, calibration error {s['calibration_error']:.3f}, {s['pictures']} pictures"
        for noun, s in scores.items()
    ]
    lines += [f"left out, in fewer than {FEWEST_PICTURES} pictures or in nearly all: {', '.join(few)}"] * bool(few)
    return "\n".join([*lines, f"wrote {options.out}: {len(head.labels)} classes on {name}, scores out of fold"])


def _choose_classes(pictures, wanted: list[str] | None) -> tuple[list[str], list[str]]:
    """Return the classes with enough pictures, by default of all that ImageNet does not name; and the others, with counts.

    Raises ValueError if there are none.
    """
    from c3n_model.labels.names import imagenet_names
    from c3n_model.training.visual_head import IN_VIEW

    shown = Counter(noun for picture in pictures for noun, area in picture.areas.items() if area >= IN_VIEW)
    known = {name.strip().lower() for label in imagenet_names() for name in label.split(",")}
    nouns = wanted or sorted(set(shown) - known)
    classes = [noun for noun in nouns if FEWEST_PICTURES <= shown[noun] <= len(pictures) - FEWEST_PICTURES]
    few = [f"{noun} ({shown[noun]})" for noun in nouns if noun not in classes]
    if not classes:
        raise ValueError(
            f"no class can be fitted to {len(pictures)} pictures: expected at least {FEWEST_PICTURES} that show it and as many "
            f"that do not; they show {', '.join(few) or 'nothing that sounds'}"
        )
    return classes, few
