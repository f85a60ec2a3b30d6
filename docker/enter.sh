#!/bin/bash
# Run a command in the workspace.
set -e
. "/opt/ros/$ROS_DISTRO/setup.bash"
. /c3n_ros/.venv/bin/activate
. /c3n_ros/install/setup.bash
exec "$@"
