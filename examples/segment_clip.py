"""Segment a video, bag or folder: print what sounds, and write masks, labels and an overlay video.

python examples/segment_clip.py clip.mp4 out/clip [--model zero_shot]
"""

import argparse

from c3n_model import Session, load_model, open_source, segment
from c3n_model.sources.results import ResultWriter

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("recording", help="video file, rosbag2, or folder of images with a .wav")
parser.add_argument("out", help="folder to write")
parser.add_argument("--model", default="zero_shot", help="zero_shot, demo or a checkpoint (default: %(default)s)")
arguments = parser.parse_args()

session = Session(load_model(arguments.model))
with ResultWriter(arguments.out) as results:
    for result in segment(open_source(arguments.recording), session, show=results.show):
        results.write(result)
        sounding = f"{result.label.audio}, {result.mask.mean():.1%} of the image" if result.mask.any() else "-"
        print(f"{result.stamp_ns / 1e9:6.2f} s  {sounding}")
print(f"masks, labels.jsonl and overlay.mp4 are in {arguments.out}")
