"""The demo scene as a small video, for tests of commands."""

from c3n_model.sources.video_writer import VideoWriter
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource


def write_scene_video(path, seconds):
    """The first whole `seconds` of the scene as mp4, and a little more, so that the last one closes; returns `path`."""
    with VideoWriter(path) as writer:
        for item in SceneSource(make_demo_scene(), height=96, width=128, frame_rate=10):
            if item.stamp_ns > (seconds + 0.2) * 1e9:
                break
            writer.write(item)
    return path
