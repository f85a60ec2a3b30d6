"""`c3n train-direct-sound`: train what tells sound straight from its source from echo and noise, in simulated rooms."""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "train-direct-sound",
        help="train what tells sound straight from its source from echo and noise, for directions by microphone arrays",
    )
    command.add_argument("output", type=Path, help="file to write, .safetensors")
    command.add_argument("--scenes", type=int, default=4000, help="simulated seconds (default %(default)s)")
    command.add_argument("--epochs", type=int, default=6, help="passes through them (default %(default)s)")
    command.add_argument("--seed", type=int, default=1, help="of rooms and weights (default %(default)s)")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Write the weights; return where. Raises ValueError for a number below 1."""
    from safetensors.numpy import save_file

    from c3n_model.complete_file import complete_file
    from c3n_model.experiments.direction.training import draw_example, train
    from c3n_model.progress import bar

    if options.scenes < 1 or options.epochs < 1:
        raise ValueError(f"expected scenes and epochs of at least 1, got {options.scenes} and {options.epochs}")
    examples = [draw_example(options.seed, number) for number in bar(range(options.scenes), "rooms")]
    losses: list[float] = []
    tensors = train(examples, options.epochs, options.seed, losses.append)
    with complete_file(options.output) as path:
        save_file(tensors, path)
    count = sum(tensor.size for tensor in tensors.values())
    lines = [f"epoch {number}: loss {loss:.3f}" for number, loss in enumerate(losses, 1)]
    return "\n".join([*lines, f"{options.output}: {count} weights from {options.scenes} rooms"])
