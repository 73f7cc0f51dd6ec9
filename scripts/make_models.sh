#!/usr/bin/env bash
# Makes models/TASK from seeds alone: demonstrations in bags, offline training, evaluation.
#   make models TASK=BoundedPush      (about ten minutes on two cores)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

task=$1
farl=.venv/bin/farl
work=runs/models-$task
rm -rf "$work"
# Two jobs that only need the cloned policy run side by side.
$farl demos "$task" --kind task --seed 0 --out "$work/demos" --json "$work/task.json"
$farl demos "$task" --kind recovery --seed 2 --out "$work/demos" --json "$work/recovery.json" &
$farl demos "$task" --kind failure --seed 1 --out "$work/demos" --json "$work/failure.json"
wait $!
$farl offline "$task" --bags "$work/demos" --out "$work" --seed 0 --json "$work/offline.json"
$farl evaluate "$task" --models "$work/models" --episodes 50 --seed 100 --json "$work/evaluation.json"
mkdir -p "models/$task"
cp "$work"/models/* "models/$task/"
echo "models/$task is made; its card is models/$task/card.json, its figures are in $work/*.json"
