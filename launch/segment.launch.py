"""Start the segmentation node: `ros2 launch c3n_ros segment.launch.py image_topic:=/camera/color/image_raw`.

The node is a lifecycle node that configures and activates itself (its parameter `autostart`), so a plain Node action works on every
distribution; with autostart:=false, use `ros2 lifecycle set /segmentation configure` and `activate`. All other parameters are set in
params_file. segment.launch.xml is the same in XML.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
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
    ("model", "", "zero_shot, demo, or path of a checkpoint or YAML file; empty: as in params_file (zero_shot)"),
    (
        "auto_download",
        "",
        "false: do not fetch pretrained files that the model needs and are missing; empty: as in params_file (true)",
    ),
    ("classes", "", "Classes to show, separated by semicolons; empty: as in params_file (all)"),
    ("device", "", "auto, cpu, cuda or cuda:N; empty: as in params_file (auto)"),
    ("hop_s", "", "Time between masks in seconds, 0.1 to 1; empty: as in params_file (1.0)"),
    ("image_topic", "/camera/image_raw", "Camera, sensor_msgs/Image; the base topic also for compressed images"),
    (
        "image_transport",
        "",
        "raw, compressed (CompressedImage on image_topic/compressed) or auto; empty: as in params_file (raw)",
    ),
    (
        "camera_info_topic",
        "/camera/camera_info",
        "Calibration of the camera, sensor_msgs/CameraInfo; for directions",
    ),
    ("depth_topic", "/camera/depth", "Depth aligned with the image, sensor_msgs/Image; for positions"),
    ("points_topic", "/camera/points", "Instead of depth: sensor_msgs/PointCloud2"),
    ("audio_topic", "/audio/audio_stamped", "Microphone, audio_common_msgs/AudioDataStamped"),
    ("audio_info_topic", "/audio/audio_info", "Format of the sound, audio_common_msgs/AudioInfo"),
    ("audio_direction_topic", "/audio/direction", "Where another node hears the sound, geometry_msgs/PoseStamped"),
    ("audio_use_channels", "", "Channels of the sound to use, such as 0-4; empty: as in params_file (all)"),
    (
        "microphone_array",
        "",
        "YAML file or preset of a microphone array whose direction chooses among objects; empty: as in params_file (none)",
    ),
    (
        "compare_motion",
        "",
        "Of several objects of a class keep the one that moves in time with the sound; empty: as in params_file (false)",
    ),
    (
        "max_sources",
        "",
        "Sounding objects with different labels that are named at once, 1 to 8; empty: as in params_file (1)",
    ),
    ("microphone", "false", "Also publish this machine's microphone on audio_topic and audio_info_topic"),
    ("namespace", "", "Namespace of the node and of its outputs"),
    (
        "autostart",
        "",
        "false: wait for a lifecycle manager; empty: as in params_file (true: configure and activate at once)",
    ),
    (
        "dds_profile",
        "",
        "Profile of Fast DDS for this launch: large_images (images over 512 KiB arrive; the camera needs it, too), or a path; empty: none",
    ),
    ("use_sim_time", "false", "Take the time of log messages from /clock; windows go by message stamps in any case"),
    ("log_level", "info", "debug, info, warn, error or fatal"),
    ("respawn", "false", "Start the node again when it ends"),
)
# Arguments that override params_file if they are given.
OPTIONAL = {
    "model": str,
    "auto_download": bool,
    "classes": str,
    "device": str,
    "hop_s": float,
    "image_transport": str,
    "audio_use_channels": str,
    "microphone_array": str,
    "compare_motion": bool,
    "max_sources": int,
    "autostart": bool,
}


def segmentation_node(context):
    """Return the node, with its topics and parameters."""
    value = LaunchConfiguration
    given = [name for name in OPTIONAL if value(name).perform(context)]
    overrides = {name: ParameterValue(value(name), value_type=OPTIONAL[name]) for name in given}
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
                {"use_sim_time": ParameterValue(value("use_sim_time"), value_type=bool), **overrides},
            ],
            remappings=[
                ("camera/image_raw", value("image_topic")),
                ("camera/image_raw/compressed", [value("image_topic"), "/compressed"]),
                ("camera/camera_info", value("camera_info_topic")),
                ("camera/depth", value("depth_topic")),
                ("camera/points", value("points_topic")),
                ("audio/audio_stamped", value("audio_topic")),
                ("audio/audio_info", value("audio_info_topic")),
                ("audio/direction", value("audio_direction_topic")),
            ],
            arguments=["--ros-args", "--log-level", value("log_level")],
        )
    ]


def dds_profile(context):
    """Set the variables that Fast DDS 2 and 3 read, for all processes that this launch starts from here on."""
    path = LaunchConfiguration("dds_profile").perform(context)
    if path == "large_images":
        path = PathJoinSubstitution([FindPackageShare("c3n_ros"), "config", "fastdds_large_images.xml"])
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    return [SetEnvironmentVariable(variable, path) for variable in variables] if path else []


def microphone_node():
    """Return the node that publishes this machine's microphone, if requested."""
    value = LaunchConfiguration
    return Node(
        package="c3n_ros",
        executable="microphone_node",
        name="microphone",
        namespace=value("namespace"),
        output="screen",
        condition=IfCondition(value("microphone")),
        remappings=[
            ("audio/audio_stamped", value("audio_topic")),
            ("audio/audio_info", value("audio_info_topic")),
        ],
        arguments=["--ros-args", "--log-level", value("log_level")],
    )


def generate_launch_description():
    """Return the description for `ros2 launch`."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in ARGUMENTS
    ]
    actions = [OpaqueFunction(function=dds_profile), OpaqueFunction(function=segmentation_node), microphone_node()]
    return LaunchDescription([*declared, *actions])
