#!/usr/bin/env bash
# The steps of docker/Dockerfile, for both kinds of base; runs in the image that is being built, in /opt/farl.
#
#   docker/install.sh user UID GID    the user farl
#   docker/install.sh dependencies    .venv and messages, before the code is there
#   docker/install.sh franky ROBOT    the franky that speaks to this robot (install: in config/robots/ROBOT.yaml)
#   docker/install.sh package         farl_ros itself
#   docker/install.sh training        what training a detector needs (AGPL-3.0)
set -euo pipefail

ros=/opt/ros/${ROS_DISTRO:-jazzy}/setup.bash
if [[ -n ${TORCH_INDEX:-} ]]; then export PIP_EXTRA_INDEX_URL=$TORCH_INDEX; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

fail() {
  echo "docker/install.sh: $1" >&2
  exit 1
}

user() { # user UID GID; some bases have a user with that number already
  (($1 > 0 && $2 > 0)) || fail "the image's user is not root: USER_UID and USER_GID must be above 0, got $1 and $2"
  local taken
  if taken=$(id -nu "$1" 2>/dev/null); then userdel "$taken"; fi
  getent group "$2" >/dev/null || groupadd -g "$2" farl
  useradd -m -u "$1" -g "$2" -s /bin/bash farl
}

pip_install() { .venv/bin/python -m pip install -c requirements/constraints.txt "$@"; }

build_workspace() { # build_workspace PACKAGE [OPTION]: by the environment's Python, whose path the executables then name
  local python=$PWD/.venv/bin/python
  set +u # the set-up files read variables that need not be there
  # shellcheck disable=SC1090
  source "$ros"
  set -u
  (cd ros2_ws && "$python" -m colcon build --packages-select "$@" \
    --cmake-args -DBUILD_TESTING=OFF "-DPython3_EXECUTABLE=$python")
}

dependencies() {
  if [[ -f $ros ]]; then
    python3 -m venv --system-site-packages .venv
    touch .venv/COLCON_IGNORE
    pip_install pip setuptools
    pip_install --no-build-isolation -r requirements/runtime.txt -r requirements/perception.txt \
      -r requirements/franka.txt -r requirements/interchange.txt
    build_workspace farl_interfaces
  else
    # The set-up installs the package as editable: empty ones keep the place of those that come later.
    for package in failurebench farl farl_ros perception; do
      mkdir -p "$package" && touch "$package/__init__.py"
    done
    scripts/setup.sh || { tail -n 40 .setup/*.log >&2 && fail "the set-up failed; its logs are above"; }
  fi
}

franky() { # franky ROBOT
  local file=config/robots/$1.yaml install
  [[ -f $file ]] || fail "no $file: ROBOT is one of $(basename -s .yaml config/robots/*.yaml | xargs)"
  install=$(sed -n 's/^install: //p' "$file")
  [[ $install == "pip install "* ]] || fail "$file: expected 'install: pip install ...', got '$install'"
  eval ".venv/bin/python -m $install"
}

package() {
  if [[ -f $ros ]]; then build_workspace farl_ros --symlink-install; else scripts/setup.sh; fi
}

training() { pip_install -r requirements/perception-train.txt; }

case ${1:-} in
dependencies | package | training) "$1" ;;
user) user "${2:?expected a user number}" "${3:?expected a group number}" ;;
franky) franky "${2:?expected a robot: fr3 or panda}" ;;
*) fail "expected user UID GID, dependencies, franky ROBOT, package or training, got '${1:-}'" ;;
esac
