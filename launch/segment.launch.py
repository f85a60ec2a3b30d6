"""Start the segmentation node: `ros2 launch c3n_ros segment.launch.py image_topic:=/camera/color/image_raw`."""

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

ARGUMENTS = (
    (
        "params_file",
        PathJoinSubstitution([FindPackageShare("c3n_ros"), "config", "segment.yaml"]),
        "YAML file with the node's parameters",
    ),
    ("namespace", "", "Namespace of the node and of its outputs"),
    ("use_sim_time", "false", "Take the time of log messages from /clock; windows go by message stamps in any case"),
    ("log_level", "info", "debug, info, warn, error or fatal"),
    ("image_topic", "/camera/image_raw", "Camera, sensor_msgs/Image"),
    ("audio_topic", "/audio/audio_stamped", "Microphone, audio_common_msgs/AudioDataStamped with PCM"),
    ("audio_info_topic", "/audio/audio_info", "Format of the sound, audio_common_msgs/AudioInfo"),
    ("model", "", "zero_shot, demo, or path of a checkpoint or YAML file; empty: as in params_file (zero_shot)"),
    ("device", "", "auto, cpu, cuda or cuda:N; empty: as in params_file (auto)"),
    ("respawn", "false", "Start the node again when it ends"),
)


def segmentation_node(context):
    """The node; an argument that was given wins over the file of parameters."""
    value = LaunchConfiguration
    given = {name: value(name).perform(context) for name in ("model", "device")}
    overrides = {name: ParameterValue(text, value_type=str) for name, text in given.items() if text}
    return [
        Node(
            package="c3n_ros",
            executable="segmentation_node",
            name="segmentation",
            namespace=value("namespace"),
            output="screen",
            respawn=value("respawn"),
            respawn_delay=2.0,
            parameters=[
                value("params_file"),
                {"use_sim_time": ParameterValue(value("use_sim_time"), value_type=bool)},
                overrides,
            ],
            remappings=[
                ("camera/image_raw", value("image_topic")),
                ("audio/audio_stamped", value("audio_topic")),
                ("audio/audio_info", value("audio_info_topic")),
            ],
            arguments=["--ros-args", "--log-level", value("log_level")],
        )
    ]


def generate_launch_description():
    """Read by `ros2 launch`."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=segmentation_node)])
