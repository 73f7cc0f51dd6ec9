#!/usr/bin/env bash
# Makes .venv: all that `make finetune` and `make test` need, ROS 2 included, without root.
#
# Four stages. Each is repeated when the files that it depends on change, each starts over when it was cut off
# (what an interrupted pip leaves behind cannot be told from a whole installation), and the first two run side
# by side. .setup/ keeps the logs, the stamps of the finished stages and the tools that build the messages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A sourced ROS 2 installation, or another environment, must not mix into the one that is made here.
if [[ -n ${AMENT_PREFIX_PATH:-} ]]; then unset LD_LIBRARY_PATH; fi
unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH PYTHONHOME _ROS_WHEELS_BOOTSTRAP_COMPLETE
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

fail() {
  echo "set-up: $1" >&2
  exit 1
}

# --- stages ----------------------------------------------------------------------------------------------------

environment() { # environment FOLDER REQUIREMENTS...: a new virtual environment with exactly these packages
  local folder=$1 arguments=() file
  for file in "${@:2}"; do arguments+=(-r "requirements/$file.txt"); done
  rm -rf "$folder" &&
    "$python" -m venv "$folder" &&
    touch "$folder/COLCON_IGNORE" &&
    "$folder/bin/python" -m pip install -c requirements/constraints.txt pip setuptools &&
    "$folder/bin/python" -m pip install --no-build-isolation "${arguments[@]}"
}

stage_runtime() { rm -f .setup/package.done && environment .venv runtime perception ros franka interchange test docs; }

stage_tools() { environment .setup/tools ros-build; }

stage_messages() {
  local tools=$PWD/.setup/tools
  rm -rf .setup/wheels &&
    env AMENT_PREFIX_PATH="$tools" CMAKE_PREFIX_PATH="$tools" PATH="$tools/bin:$PATH" "$tools/bin/python" \
      -m pip wheel --no-index --no-deps --no-build-isolation -w .setup/wheels ros2_ws/src/farl_interfaces
}

stage_package() {
  local packages=(.venv/lib/python3.*/site-packages)
  rm -rf "${packages[0]}"/farl_{interfaces,ros}* "${packages[0]}"/__editable__*farl_ros* \
    .venv/{include,share}/farl_interfaces .venv/lib/libfarl_interfaces__* &&
    .venv/bin/python -m pip install --no-index --no-deps .setup/wheels/farl_interfaces-*.whl &&
    .venv/bin/python -m pip install --no-index --no-deps --no-build-isolation --editable . &&
    link_into_prefix
}

link_into_prefix() { # what an editable install leaves out: the files and executables where ROS 2 looks for them
  local index=.venv/share/ament_index/resource_index/packages share=.venv/share/farl_ros lib=.venv/lib/farl_ros item
  rm -rf "$share" "$lib" && mkdir -p "$index" "$share" "$lib" &&
    ln -sfn "$PWD/resource/farl_ros" "$index/farl_ros" &&
    for item in package.xml launch config models; do ln -sfn "$PWD/$item" "$share/$item" || return; done &&
    .venv/bin/python -c 'from importlib.metadata import distribution
for entry in distribution("farl_ros").entry_points: print(entry.name)' >.setup/executables &&
    while read -r item; do ln -sfn "../../bin/$item" "$lib/$item" || return; done <.setup/executables
}

# --- stamps ----------------------------------------------------------------------------------------------------

key() { # key WORD-OR-FILE...: one word for the interpreter, the place and all that a stage depends on
  local item
  {
    printf '%s\n' "$interpreter" "$PWD" "$@"
    for item in "$@"; do if [[ -f $item ]]; then cat "$item"; fi; done
  } | sha256sum | cut -c1-64
}

is_done() { # is_done STAGE KEY
  [[ -f .setup/$1.done && $(<".setup/$1.done") == "$2" ]]
}

stage() { # stage NAME KEY DESCRIPTION
  local name=$1 began=$SECONDS
  if is_done "$name" "$2"; then return; fi
  rm -f ".setup/$name.done"
  printf '[%3d s] %s ...\n' "$SECONDS" "$3"
  if "stage_$name" >".setup/$name.log" 2>&1 </dev/null; then
    printf '%s\n' "$2" >".setup/$name.part" && mv ".setup/$name.part" ".setup/$name.done"
    printf '[%3d s] %s: done in %d s\n' "$SECONDS" "$3" $((SECONDS - began))
  else
    printf '[%3d s] %s: FAILED; the end of .setup/%s.log:\n' "$SECONDS" "$3" "$name" >&2
    { grep -v 'WARNING: Location' ".setup/$name.log" || true; } | tail -n 12 | cut -c1-300 | sed 's/^/    /' >&2
    return 1
  fi
}

# --- checks ----------------------------------------------------------------------------------------------------

choose_python() { # sets python (a path) and interpreter (path and version); the choice of the last time comes first
  local candidate found='' wanted=(python3 python3.12 python3.11)
  if [[ -n ${PYTHON:-} ]]; then wanted=("$PYTHON"); elif [[ -f .setup/python ]]; then wanted=("$(<.setup/python)" "${wanted[@]}"); fi
  for candidate in "${wanted[@]}"; do
    interpreter=$("$candidate" -c 'import sys; print(sys._base_executable, "%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
    case ${interpreter##* } in
    3.11.* | 3.12.*) python=${interpreter% *} && return ;;
    *) found+="$candidate is ${interpreter##* }, " ;;
    esac
  done
  fail "needs Python 3.11 or 3.12 (${found}tried ${wanted[*]}); install the Debian package python3.12 or python3.11 with its -venv and -dev packages, or name one: make setup PYTHON=/path/to/python3.12"
}

check_machine() { # the first thing that is missing, in one sentence
  local version
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [[ $(uname -sm) == "Linux x86_64" ]] ||
    fail "ROS 2 comes as wheels for Linux on x86_64 only and this is $(uname -sm); install ROS 2 Jazzy itself and build with colcon in ros2_ws/"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments; install the Debian package python$version-venv"
  "$python" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    fail "$python has no Python.h, which the messages are compiled with; install the Debian package python$version-dev"
  command -v gcc >/dev/null && command -v g++ >/dev/null ||
    fail "there is no C and C++ compiler, which the messages are compiled with; install the Debian package build-essential"
  [[ -d .venv ]] || (($(df -Pk . | awk 'END { print $4 }') > 4000000)) ||
    fail "less than 4 GB are free on the disk of $PWD; the environment takes 2.5 GB"
}

# --- main ------------------------------------------------------------------------------------------------------

choose_python
pins=(requirements/{constraints,ros}.txt scripts/setup.sh)
runtime_key=$(key "${pins[@]}" requirements/{runtime,perception,franka,interchange,test,docs}.txt)
tools_key=$(key "${pins[@]}" requirements/ros-build.txt)
messages=ros2_ws/src/farl_interfaces
messages_key=$(key "$tools_key" $messages/*.* $messages/*/*)
package_key=$(key "$runtime_key" "$messages_key" package.xml pyproject.toml setup.py setup.cfg "$(echo */__init__.py)")

up_to_date() {
  [[ -x .venv/bin/farl ]] && is_done runtime "$runtime_key" && is_done messages "$messages_key" && is_done package "$package_key"
}

if up_to_date; then exit 0; fi
check_machine
mkdir -p .setup
touch .setup/COLCON_IGNORE
echo "$python" >.setup/python
# What a killed set-up left running holds the lock too: it would write where this one writes.
exec 9>.setup/lock
flock -n 9 || { echo "set-up: waiting for another one to end" && flock 9; }
if up_to_date; then exit 0; fi

echo "set-up with Python $interpreter; logs in .setup/"
if [[ ! -x .venv/bin/python ]]; then rm -f .setup/runtime.done; fi
if [[ ! -x .setup/tools/bin/python ]]; then rm -f .setup/tools.done; fi
if [[ ! -d .setup/wheels ]]; then rm -f .setup/messages.done; fi

set -m # each job below is a process group, which ends as a whole
{ stage tools "$tools_key" "tools that build the messages" && stage messages "$messages_key" "messages (farl_interfaces)"; } &
building=$!
stage runtime "$runtime_key" "run-time packages" &
installing=$!
trap 'kill -- -$building -$installing 2>/dev/null; fail "interrupted; the next one goes on from here"' INT TERM
failed=no
wait $installing || failed=yes
wait $building || failed=yes
[[ $failed == no ]] || fail "not complete; mend what is said above and start it again: finished stages are kept"
stage package "$package_key" "farl_ros itself" || fail "not complete; mend what is said above and start it again"
printf 'set-up: done in %d s\n' "$SECONDS"
