#!/usr/bin/env bash
# All tests of the robot's side, the slow ones too: against the protocol server of tests/fci, and against franky-sim,
# whose environment .venv-sim is made first if it is not there or its requirements have changed. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment=.venv-sim
python=$(cat .setup/python 2>/dev/null || echo python3)
wanted=$(cat requirements/{franky-sim,constraints}.txt | sha256sum)
if [[ $(cat "$environment/made" 2>/dev/null) != "$wanted" ]]; then
  echo "making $environment for franky-sim (0.6 GB) ..."
  rm -rf "$environment"
  "$python" -m venv "$environment"
  touch "$environment/COLCON_IGNORE"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt pip
  "$environment/bin/python" -m pip install --quiet -r requirements/franky-sim.txt
  echo "$wanted" >"$environment/made"
fi
exec .venv/bin/pytest -m "not hardware" tests/farl_ros/arm "$@"
