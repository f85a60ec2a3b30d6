"""`c3n train-vggish-head`: train an AudioSet classifier for VGGish on AudioSet's released embeddings."""

from __future__ import annotations

from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "train-vggish-head", help="train VGGish's AudioSet classifier on AudioSet's released embeddings"
    )
    command.add_argument(
        "features", type=Path, help="folder audioset_v1_embeddings from AudioSet's unpacked features.tar.gz"
    )
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.add_argument("--steps", type=int, default=50_000, help="training steps (default %(default)s)")
    command.add_argument(
        "--batch-size", type=int, default=500, help="clips per step (default %(default)s, as in Kong et al.)"
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="seed of weights and sampling (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Train the classifier, score it on the evaluation split, and save it."""
    from c3n_model.model import choose_device
    from c3n_model.progress import bar
    from c3n_model.training.audioset_embeddings import EVALUATION_SPLIT, TRAINING_SPLITS, read_bags
    from c3n_model.training.vggish_head import LEARNING_RATE, evaluate_head, train_head
    from c3n_model.weights.vggish import save_head

    device = choose_device(options.device)
    evaluation = read_bags(options.features, [EVALUATION_SPLIT], bar)  # the small split first, to fail early
    training = read_bags(options.features, TRAINING_SPLITS, bar)
    settings = {"steps": options.steps, "batch_size": options.batch_size, "seed": options.seed}
    head, loss = train_head(training, **settings, device=device, progress=bar)
    scores = evaluate_head(head, evaluation, device, bar)
    card = {
        "command": command_line,
        "train": {**settings, "learning_rate": LEARNING_RATE, "clips": len(training.labels), "loss": loss},
        "scores": scores,
        "classes": "AudioSet, in the order of class_labels_indices.csv",
        "left_out": {"train": training.left_out, "eval": evaluation.left_out},
    }
    save_head(options.out, head, card)
    return (
        f"wrote {options.out}: mAP {scores['map']:.3f}, AUC {scores['auc']:.3f} over {scores['classes']} classes and "
        f"{scores['clips']} evaluation clips"
    )
