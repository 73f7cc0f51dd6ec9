#!/usr/bin/env bash
# Makes ROS 2 and farl known, then becomes the command: signals reach it and no shell in between.
set -e
farl=/opt/farl
ros=/opt/ros/${ROS_DISTRO:-jazzy}/setup.bash
if [[ -f $ros ]]; then
  # shellcheck disable=SC1090
  source "$ros"
  # shellcheck disable=SC1091
  source "$farl/ros2_ws/install/setup.bash"
  PATH=$farl/ros2_ws/install/farl_ros/lib/farl_ros:$PATH
fi
export PATH=$farl/.venv/bin:$PATH
exec "$@"
