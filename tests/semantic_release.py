"""Clips in the layout of AVSBench-semantic, for tests: twice the size, masks in colour, as that release has them."""

import csv

import cv2
import numpy as np
import soundfile

from c3n_model.data.avsbench import AVSBench
from c3n_model.data.avsbench_semantic import LABELS

COLOURS = [(0, 0, 64), (128, 0, 0), (1, 0, 0)]  # RGB; the last is nearly black, and no background


def write_semantic_release(root, object_root, setting, splits=("train", "test")):
    """Rewrite an object release's clips below `root`; returns them as the object release's dataset gives them."""
    rows, clips = [], []
    for split in splits:
        dataset = AVSBench(object_root, setting, split, 16000)
        for paths, clip in zip(dataset.clips, dataset):
            folder = root / LABELS[setting] / clip.name
            for kind in ("frames", "labels_rgb"):
                (folder / kind).mkdir(parents=True)
            for number in range(5):
                frame = _twice(cv2.cvtColor(clip.frames[number], cv2.COLOR_RGB2BGR))
                cv2.imwrite(str(folder / f"frames/{number}.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, 98])
                if clip.has_mask[number]:
                    colour = np.array(COLOURS[number % 3], np.uint8)[::-1]
                    cv2.imwrite(
                        str(folder / f"labels_rgb/{number}.png"), _twice(clip.masks[number, ..., None] * colour)
                    )
            samples, rate = soundfile.read(paths.wav)
            soundfile.write(folder / "audio.wav", samples, rate)
            rows.append([clip.name, clip.name, 0, 0, clip.category, split, LABELS[setting]])
            clips.append(clip)
    with (root / "metadata.csv").open("a", newline="") as file:
        header = [["vid", "uid", "s_min", "s_sec", "a_obj", "split", "label"]] if file.tell() == 0 else []
        csv.writer(file).writerows([*header, *rows, ["other", "other", 0, 0, "dog", "train", "v2"]])
    return clips


def _twice(pixels):
    return np.ascontiguousarray(pixels.repeat(2, axis=0).repeat(2, axis=1))
