"""The sound's message type, of whichever audio_common_msgs is installed."""

from __future__ import annotations

from c3n_model.messages.sounds import ROS_DRIVERS, audio_dialect

try:
    from audio_common_msgs import msg as audio_messages
except ImportError:
    audio_messages = None


def audio_class(msg_type: str) -> type:
    """Return the class for parameter `audio_msg_type`. Raises ValueError where no installed audio_common_msgs has it."""
    if audio_messages is None:
        raise ValueError(
            "audio_common_msgs is missing in this workspace: install ros-drivers' (apt: ros-$ROS_DISTRO-audio-common-msgs) and "
            "source the workspace again"
        )
    if msg_type == "auto":
        msg_type = "AudioDataStamped" if audio_dialect(audio_messages) == ROS_DRIVERS else "AudioStamped"
    if not hasattr(audio_messages, msg_type):
        raise ValueError(
            f"the installed audio_common_msgs has no {msg_type}: use audio_msg_type:=auto, or source the workspace that "
            "has it last (ros-drivers' package and mgonzs13's have the same name, so that one hides the other)"
        )
    return getattr(audio_messages, msg_type)


def has_audio_info() -> bool:
    """Return whether the installed package describes the sound in messages of its own, AudioInfo."""
    return audio_messages is not None and audio_dialect(audio_messages) == ROS_DRIVERS
