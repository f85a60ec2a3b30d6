"""Turn a robot towards sounding objects: `ros2 launch c3n_ros follow_sound.launch.py cmd_vel_topic:=/cmd_vel search:=true`.

The segmentation node (segment.launch.py) runs beside it, with the camera's camera_info.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

ARGUMENTS = (
    (
        "params_file",
        PathJoinSubstitution([FindPackageShare("c3n_ros"), "config", "follow_sound.yaml"]),
        "YAML file with the node's parameters",
    ),
    ("namespace", "", "Namespace of the node and of its topics"),
    ("use_sim_time", "false", "Compare the images' stamps with /clock: for simulators and recordings"),
    ("log_level", "info", "debug, info, warn, error or fatal"),
    ("objects_topic", "sounding_object/objects", "Sounding objects, c3n_ros/SoundingObjects, of the segmentation node"),
    ("odom_topic", "odom", "Odometry, nav_msgs/Odometry; read only with the parameter odometry"),
    ("cmd_vel_topic", "cmd_vel", "Velocities, geometry_msgs/Twist or TwistStamped"),
    ("goal_topic", "goal_pose", "Goals for Nav2 in mode nav2, geometry_msgs/PoseStamped"),
    ("mode", "", "cmd_vel or nav2; empty: as in params_file (cmd_vel)"),
    ("stamped", "", "true: TwistStamped instead of Twist; empty: as in params_file (false)"),
    ("odometry", "", "true: headings from odometry; empty: as in params_file (false)"),
    ("search", "", "true: sweep while something is audible but not in view; empty: as in params_file (false)"),
)
GIVEN = {"mode": str, "stamped": bool, "odometry": bool, "search": bool}


def follow_sound_node(context):
    """Return the node; arguments override the parameter file."""
    value = LaunchConfiguration
    # ParameterValue converts substitutions only; it refuses text that is already substituted.
    given = [name for name in GIVEN if value(name).perform(context)]
    overrides = {name: ParameterValue(value(name), value_type=GIVEN[name]) for name in given}
    return [
        Node(
            package="c3n_ros",
            executable="follow_sound_node",
            name="follow_sound",
            namespace=value("namespace"),
            output="screen",
            parameters=[
                value("params_file"),
                {"use_sim_time": ParameterValue(value("use_sim_time"), value_type=bool)},
                overrides,
            ],
            remappings=[
                ("sounding_object/objects", value("objects_topic")),
                ("odom", value("odom_topic")),
                ("cmd_vel", value("cmd_vel_topic")),
                ("goal_pose", value("goal_topic")),
            ],
            arguments=["--ros-args", "--log-level", value("log_level")],
        )
    ]


def generate_launch_description():
    """Return the description for `ros2 launch`."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=follow_sound_node)])
