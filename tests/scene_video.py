"""The demo scene, or another plan of its sounds, as a small video, for tests of commands."""

from dataclasses import replace

from c3n_model.sources.video_writer import VideoWriter
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource

BELL, HORN = 0, 6


def steady_scene(*sounding):
    """The demo scene's objects with another plan: each of `sounding`, the label that sounds in that second."""
    return replace(make_demo_scene(), sounding=tuple(frozenset([label]) for label in sounding))


def write_scene_video(path, seconds, scene=None):
    """The first whole `seconds` of a scene as mp4, and a little more, so that the last one closes; returns `path`."""
    with VideoWriter(path) as writer:
        for item in SceneSource(scene or make_demo_scene(), height=96, width=128, frame_rate=10):
            if item.stamp_ns > (seconds + 0.2) * 1e9:
                break
            writer.write(item)
    return path
