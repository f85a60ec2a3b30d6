"""Fine-tune a model on your own folder. Needs the extra "train": pip install ".[train]"

python examples/train_on_folder.py FOLDER tuned.safetensors [--start demo] [--epochs 10]

FOLDER has two folders, train/ and val/, with a folder per clip: five images, one per second, the mask of each (nonzero where
something sounds), and five seconds of sound:

    FOLDER/train/dog_at_door/1.png ... 5.png  1_mask.png ... 5_mask.png  sound.wav
"""

import argparse
from pathlib import Path

from torch.utils.data import Dataset

from c3n_model import load_model
from c3n_model.config import TrainConfig
from c3n_model.data.clip_files import CLIP_FRAMES, ClipPaths, read_clip
from c3n_model.model import choose_device
from c3n_model.progress import bar
from c3n_model.training.run import fit_model
from c3n_model.types import Clip


class ClipFolder(Dataset):
    """Clips of one split. Any dataset of `Clip` with a `setting` and a `split` (names in reports) can be used for training."""

    setting = "own"

    def __init__(self, folder: Path, sample_rate: int):
        numbers = range(1, CLIP_FRAMES + 1)
        self.split, self.sample_rate = folder.name, sample_rate
        self.clips = [
            ClipPaths(
                name=clip.name,
                split=self.split,
                category="",
                frames=tuple(clip / f"{number}.png" for number in numbers),
                masks=tuple(clip / f"{number}_mask.png" for number in numbers),
                wav=clip / "sound.wav",
            )
            for clip in sorted(folder.iterdir())
            if clip.is_dir()
        ]

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        return read_clip(self.clips[index], self.sample_rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path, help="safetensors file to write")
    parser.add_argument(
        "--start", default="demo", help="model to start from, whose classes are kept (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=4, help="clips per update (default: %(default)s)")
    arguments = parser.parse_args()

    model = load_model(arguments.start)
    splits = {split: [ClipFolder(arguments.folder / split, model.sample_rate)] for split in ("train", "val")}
    config = TrainConfig(epochs=arguments.epochs, batch_size=arguments.batch_size, freeze_backbone=True)
    best = fit_model(model, splits, config, choose_device("auto"), arguments.out, bar)
    print(f"wrote {arguments.out}; validation: {best.card['history']}")
    print(f"use it: c3n segment clip.mp4 -o out --model {arguments.out}")


if __name__ == "__main__":
    main()
