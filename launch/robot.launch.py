"""Start a robot's camera and microphone and the segmentation node: `ros2 launch c3n_ros robot.launch.py`.

The camera is that of usb_cam or v4l2_camera, where one is installed, else our own camera node; a preset
(config/presets/NAME.yaml) names the topics of a driver that runs already. `video:=clip.mp4` plays a recording instead of both.
Fast DDS's profile for large images applies to all processes that are started here: with its default, images are lost.
"""

import os

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, LogInfo, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchDescription

# Given to segment.launch.py where they are not empty; a preset may set what is empty here, and an argument wins.
PASSED_ON = {
    "model": "zero_shot, demo, or path of a checkpoint or YAML file; empty: zero_shot",
    "auto_download": "false: do not fetch pretrained files that are missing; empty: true",
    "classes": "Classes to show, separated by semicolons; empty: all",
    "device": "auto, cpu, cuda or cuda:N; empty: auto",
    "hop_s": "Time between masks in seconds, 0.1 to 1; empty: 1.0",
    "image_topic": "Images; empty: /camera/image_raw, or as in the preset",
    "image_transport": "raw, compressed or auto; empty: raw",
    "camera_info_topic": "Calibration; empty: /camera/camera_info, or as in the preset",
    "depth_topic": "Depth aligned with the image; empty: /camera/depth, or as in the preset",
    "points_topic": "Point cloud instead of depth; empty: /camera/points",
    "audio_topic": "Sound; empty: /audio/audio_stamped, or as in the preset",
    "audio_info_topic": "Format of the sound; empty: /audio/audio_info",
    "audio_use_channels": "Channels of the sound to use, such as 0-4; empty: all, or as in the preset",
    "audio_direction_topic": "Where another node hears the sound; empty: /audio/direction",
    "microphone_array": "YAML file or preset of a microphone array whose direction chooses among objects; empty: none",
    "compare_motion": "Of several objects of a class keep the one that moves in time with the sound; empty: false",
    "max_sources": "Sounding objects with different labels that are named at once, 1 to 8; empty: 1",
    "namespace": "Namespace of the node and of its outputs",
}
OWN = {
    "preset": (
        "",
        "realsense, zed, oak_d, respeaker (several with commas), or the path of a YAML file: topics of a driver that runs",
    ),
    "camera": ("auto", "auto (usb_cam or v4l2_camera where installed, else ours), usb_cam, v4l2_camera, ours, or none"),
    "camera_device": ("/dev/video0", "Device of the camera that is started"),
    "video": ("", "Play this video, folder or bag with its sound instead of a camera and a microphone"),
    "horizontal_fov_deg": (
        "60.0",
        "Angle of view that our camera node assumes where there is no calibration; 0: no camera_info",
    ),
    "microphone": ("", "true or false: start our microphone node; empty: true unless video or audio_topic is given"),
    "microphone_device": ("", "Index or part of the name of the microphone; empty: the default one"),
    "microphone_channels": ("", "Channels to record; empty: 1, or as in the preset"),
    "microphone_sample_rate": ("", "Sample rate to record with, Hz; empty: 16000, or as in the preset"),
    "dds_profile": (
        "large_images",
        "Profile of Fast DDS for all processes of this launch, as in segment.launch.py; empty: none",
    ),
    "viewer": (
        "none",
        "none, rviz, or foxglove (starts foxglove_bridge; open config/foxglove_layout.json in Foxglove)",
    ),
}
CAMERAS = {
    "usb_cam": ("usb_cam_node_exe", lambda device: {"video_device": device, "frame_id": "camera_optical_frame"}),
    "v4l2_camera": (
        "v4l2_camera_node",
        lambda device: {"video_device": device, "camera_frame_id": "camera_optical_frame"},
    ),
}
TOPICS = {
    "image_topic": "/camera/image_raw",
    "camera_info_topic": "/camera/camera_info",
    "depth_topic": "/camera/depth",
    "points_topic": "/camera/points",
    "audio_topic": "/audio/audio_stamped",
    "audio_info_topic": "/audio/audio_info",
    "audio_direction_topic": "/audio/direction",
}


def is_installed(package):
    """Whether a package is in the workspace."""
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def read_presets(names, share):
    """The values of presets, later ones over earlier ones. Raises ValueError for an unknown one."""
    folder, values = os.path.join(share, "config", "presets"), {}
    for name in filter(None, names.split(",")):
        path = name if os.path.isfile(name) else os.path.join(folder, f"{name}.yaml")
        if not os.path.isfile(path):
            known = sorted(file.removesuffix(".yaml") for file in os.listdir(folder))
            raise ValueError(f"expected preset to be one of {', '.join(known)} or a YAML file, got {name!r}")
        with open(path, encoding="utf-8") as file:
            values |= yaml.safe_load(file)
    return values


def start(context):
    """Everything that this launch starts."""
    share = get_package_share_directory("c3n_ros")
    given = {name: LaunchConfiguration(name).perform(context) for name in (*PASSED_ON, *OWN)}
    preset = read_presets(given["preset"], share)
    declared = {name: default for name, (default, _) in OWN.items()} | dict.fromkeys(PASSED_ON, "")
    values = given | {name: str(value) for name, value in preset.items() if given[name] == declared[name]}
    used = {name: values[name] or topic for name, topic in TOPICS.items()}
    topics = [
        ("camera/image_raw", used["image_topic"]),
        ("camera/image_raw/compressed", f"{used['image_topic']}/compressed"),
        ("camera/camera_info", used["camera_info_topic"]),
        ("audio/audio_stamped", used["audio_topic"]),
        ("audio/audio_info", used["audio_info_topic"]),
        ("audio/direction", used["audio_direction_topic"]),
    ]
    return [segmentation(values, share), *camera(values, topics), *microphone(values, topics), *viewer(values, share)]


def segmentation(values, share):
    """The segmentation node by its own launch file; first, because it sets the profile of Fast DDS."""
    # All of them: what is declared here would otherwise hide the defaults there.
    arguments = {name: values[name] or TOPICS.get(name, "") for name in (*PASSED_ON, "dds_profile")}
    arguments["microphone"] = "false"  # it is started here
    source = PythonLaunchDescriptionSource(os.path.join(share, "launch", "segment.launch.py"))
    return IncludeLaunchDescription(source, launch_arguments=list(arguments.items()))


def camera(values, topics):
    """The camera's driver: none where a preset or an image topic names one that runs."""
    if values["video"]:
        parameters = {
            "video": os.path.abspath(values["video"]),
            "horizontal_fov_deg": float(values["horizontal_fov_deg"]),
        }
        return [own_node("camera_node", "camera", parameters, topics)]
    wanted = values["camera"]
    if wanted == "auto":
        wanted = "none" if values["image_topic"] else next(filter(is_installed, CAMERAS), "ours")
    if wanted in CAMERAS:
        executable, parameters = CAMERAS[wanted]
        remappings = [(name.removeprefix("camera/"), topic) for name, topic in topics if name.startswith("camera/")]
        return [
            Node(
                package=wanted, executable=executable, name="camera", output="screen",
                parameters=[parameters(values["camera_device"])], remappings=remappings,
            )
        ]  # fmt: skip
    if wanted == "ours":
        parameters = {"camera": values["camera_device"], "horizontal_fov_deg": float(values["horizontal_fov_deg"])}
        return [own_node("camera_node", "camera", parameters, topics)]
    if wanted != "none":
        raise ValueError(f"expected camera to be auto, ours, none, {' or '.join(CAMERAS)}, got {wanted!r}")
    return []


def microphone(values, topics):
    """Our microphone node, where it is wanted."""
    wanted = values["microphone"] or ("false" if values["video"] or values["audio_topic"] else "true")
    if wanted.lower() not in ("true", "1"):
        return []
    parameters = {
        "device": values["microphone_device"],
        "channels": int(values["microphone_channels"] or 1),
        "sample_rate": int(values["microphone_sample_rate"] or 16_000),
    }
    return [own_node("microphone_node", "microphone", parameters, topics)]


def viewer(values, share):
    """RViz or Foxglove's bridge, or what to install."""
    programs = {
        "rviz": ("rviz2", "rviz2", ["-d", os.path.join(share, "config", "segment.rviz")]),
        "foxglove": ("foxglove_bridge", "foxglove_bridge", []),
    }
    if values["viewer"] == "none":
        return []
    if values["viewer"] not in programs:
        raise ValueError(f"expected viewer to be none, rviz or foxglove, got {values['viewer']!r}")
    package, executable, arguments = programs[values["viewer"]]
    if not is_installed(package):
        return [LogInfo(msg=f"no viewer: apt install ros-$ROS_DISTRO-{package.replace('_', '-')}")]
    return [Node(package=package, executable=executable, arguments=arguments, output="log")]


def own_node(executable, name, parameters, remappings):
    """A node of this package; topics that it does not have are not remapped."""
    return Node(
        package="c3n_ros", executable=executable, name=name, output="screen",
        parameters=[parameters], remappings=remappings,
    )  # fmt: skip


def generate_launch_description():
    """Read by `ros2 launch`."""
    passed_on = [DeclareLaunchArgument(name, default_value="", description=text) for name, text in PASSED_ON.items()]
    own = [
        DeclareLaunchArgument(name, default_value=default, description=text) for name, (default, text) in OWN.items()
    ]
    return LaunchDescription([*passed_on, *own, OpaqueFunction(function=start)])
