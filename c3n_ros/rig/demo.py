"""Runs the node on a synthetic scene over real topics and scores it. `make demo` runs this in the built workspace.

A synthetic scene is recorded into a bag, and the bag is played as real topics in real time; the node receives nothing else. Its
output is recorded, scored against the scene's ground truth and compared with an offline run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from c3n_model.loading import load_model
from c3n_model.pictures.overlay import contact_sheet, draw_overlay, outline_truth, write_png
from c3n_model.progress import bar
from c3n_model.scoring.bag_scores import Truth, compare_runs, live_statistics, mask_iou, score_masks, score_several
from c3n_model.scoring.recording import MASK_TOPIC, OBJECTS_TOPIC, LiveWindow, read_recording
from c3n_model.sources.bag import BagSource
from c3n_model.sources.convert import START_NS, bag_from_media
from c3n_model.sources.results import ResultWriter
from c3n_model.streaming.segment import segment
from c3n_model.streaming.session import Session
from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Segmentation
from c3n_ros.rig.isolation import isolated_environment

HEIGHT, WIDTH, FRAME_RATE = 240, 320, 15
MAX_SOURCES = 2  # that sound at once in the scene
AUDIO_TOPIC = "/audio/audio_stamped"
NODE_START_TIMEOUT_S = 180.0  # importing torch takes a while on a cold machine
STOP_TIMEOUT_S = 20


def main() -> None:
    """Run the demo; exit with 1 and one line that says where to look if it fails."""
    parser = argparse.ArgumentParser(prog="python -m c3n_ros.rig.demo", description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("out/demo"), help="folder (default %(default)s)")
    out = parser.parse_args().out
    try:
        report = run(out)
    except (RuntimeError, ValueError, OSError) as error:
        sys.exit(f"demo failed: {error}")
    print(json.dumps(report, indent=2))
    print(f"Result in {out}: overlay.mp4 (with sound), contact_sheet.png, report.json")


def run(out: Path) -> dict:
    """Run everything and return the report, which is also written to `out`/report.json."""
    scene = make_demo_scene()
    shutil.rmtree(out, ignore_errors=True)
    (out / "logs").mkdir(parents=True)
    print(f"Recording a synthetic scene of {scene.seconds} s into {out}/scene.bag", flush=True)
    source = SceneSource(scene, height=HEIGHT, width=WIDTH, frame_rate=FRAME_RATE)
    bag_from_media(source, out / "scene.bag", progress=bar)
    print(f"Playing it in real time to the node ({scene.seconds} s); logs in {out}/logs", flush=True)
    play_to_node(out)
    live = read_recording(out / "recording.bag", AUDIO_TOPIC)
    print("Running the same bag offline", flush=True)
    model = load_model("demo")
    offline = list(segment(bar(BagSource(out / "scene.bag"), "offline"), Session(model, max_sources=MAX_SOURCES)))

    def truth(segmentation: Segmentation) -> Truth:
        seconds = (segmentation.stamp_ns - START_NS) / NANOSECONDS_PER_SECOND
        now = scene.sounding[int(seconds)]
        _, mask = scene.picture(seconds, HEIGHT, WIDTH)
        return Truth(mask, frozenset(world.VISUAL_LABELS[label] for label in now), silent=not now)

    seen = [window.segmentation for window in live]
    truths = [truth(window) for window in seen]
    report = {**score_masks(seen, truths), **live_statistics(live), **compare_runs(seen, offline)}
    report["several_sources"] = score_several(seen, truths)
    report["note"] = model.card.get("note", "")
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    draw(out, live, truths)
    return report


def play_to_node(out: Path) -> None:
    """Run recorder, node and player as separate processes that communicate over DDS on this machine only.

    Raises:
        RuntimeError: one of them ended early; the message names its log.
    """
    topics = [f"{MASK_TOPIC}:sensor_msgs/msg/Image", f"{OBJECTS_TOPIC}:c3n_ros/msg/SoundingObjects"]
    topics.append(f"{AUDIO_TOPIC}:audio_common_msgs/msg/AudioDataStamped")
    running = []
    try:
        recorder = _start(out, "rig.recorder_node", output=out / "recording.bag", topics=topics)
        running.append(recorder)
        node = _start(out, "segmentation_node", model="demo", max_sources=MAX_SOURCES)
        running.append(node)
        player = _start(out, "rig.playback_node", bag=out / "scene.bag", wait_timeout_s=NODE_START_TIMEOUT_S)
        running.append(player)
        while player.poll() is None:
            _check_alive(out, recorder=recorder, segmentation_node=node)
            time.sleep(0.2)
        if player.returncode != 0:
            raise RuntimeError(f"the player ended with {player.returncode}; see {out}/logs/playback_node.log")
        time.sleep(2)  # for the last window
    finally:
        for process in reversed(running):
            _stop(process)


def draw(out: Path, live: list[LiveWindow], truths: list[Truth]) -> None:
    """Write overlay.mp4 with sound, masks and labels, and contact_sheet.png with one picture per window (truth outlined in blue)."""
    pictures = {}
    waiting = [window.segmentation for window in live]
    with ResultWriter(out) as results:
        for item in BagSource(out / "scene.bag"):
            results.show(item)
            if isinstance(item, AudioChunk):
                continue
            if waiting and item.stamp_ns >= waiting[0].stamp_ns:
                results.write(waiting[0])
                pictures[waiting.pop(0).stamp_ns] = item.rgb
    images, captions = [], []
    for window, truth in zip(live, truths, strict=True):
        seen = window.segmentation
        iou = mask_iou(seen.mask, truth.mask)
        images.append(outline_truth(draw_overlay(pictures[seen.stamp_ns], seen), truth.mask))
        second = (seen.window_start_ns - START_NS) // NANOSECONDS_PER_SECOND
        right = ", ".join(sorted(truth.labels)) or "silence"
        captions.append(
            f"{second} s: {right}" + (f", IoU {iou:.2f}" if truth.mask.any() else ", not in view" * bool(truth.labels))
        )
    write_png(out / "contact_sheet.png", contact_sheet(images, captions, columns=5))


def _start(out: Path, module: str, **parameters: object) -> subprocess.Popen:
    name = module.rpartition(".")[2]
    command = [sys.executable, "-m", f"c3n_ros.{module}", "--ros-args"]
    for key, value in parameters.items():
        command += ["-p", f"{key}:={value}"]
    with (out / "logs" / f"{name}.log").open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=isolated_environment())


def _check_alive(out: Path, **processes: subprocess.Popen) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            log = (out / "logs" / f"{name}.log").read_text().strip().splitlines()
            raise RuntimeError(f"{name} ended with {process.returncode}: {log[-1] if log else 'no output'}")


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    main()
