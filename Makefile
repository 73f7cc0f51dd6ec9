# Everything runs in .venv, which scripts/setup.sh makes and keeps up to date. ARGS is passed on to the job:
#   make finetune ARGS="--steps 2000 --seed 3"
SHELL := /bin/bash
.DEFAULT_GOAL := help

TASK ?= BoundedPush
SIZE ?= small
ARGS ?=

# A sourced ROS 2 installation must not mix into the one from wheels that lives in .venv.
ifdef AMENT_PREFIX_PATH
unexport LD_LIBRARY_PATH
endif
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH _ROS_WHEELS_BOOTSTRAP_COMPLETE

.PHONY: help setup finetune test test-robot test-docs test-docker docs lint models demos benchmark failurebench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv (PYTHON=python3.12 chooses the interpreter); at once when it is up to date
	@scripts/setup.sh

finetune: setup  ## fine-tune TASK in simulation with the shipped models, shield on
	.venv/bin/farl finetune $(TASK) $(ARGS)

test: lint  ## lint, then all tests but the slow ones and those that need hardware
	.venv/bin/pytest -m "not slow and not hardware" $(ARGS)

test-robot: setup  ## all tests of the robot's side against emulated arms; makes .venv-sim (0.6 GB) for one of them
	scripts/test-robot.sh $(ARGS)

test-docs: setup  ## run every command of README and docs that needs no robot, page by page (slow)
	.venv/bin/pytest -m slow tests/documented $(ARGS)

test-docker:  ## build the robot PC's image without Docker, then use it (root, Debian; 13 minutes, 15 GB)
	docker/test.sh $(ARGS)

docs: setup  ## build the documentation into site/, strictly
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build

demos: setup  ## write task, recovery and failure demonstrations of TASK to demos/TASK
	for kind in task recovery failure; do .venv/bin/farl demos $(TASK) --kind $$kind --out demos/$(TASK) || exit; done

models: setup  ## make models/TASK from seeds alone: demonstrations, offline training, evaluation (10 minutes)
	rm -rf runs/models-$(TASK)
	for kind in task recovery failure; do \
	  .venv/bin/farl demos $(TASK) --kind $$kind --out runs/models-$(TASK)/demos || exit; done
	.venv/bin/farl offline $(TASK) --bags runs/models-$(TASK)/demos --out runs/models-$(TASK)
	rm -rf models/$(TASK) && mkdir -p models && cp -r runs/models-$(TASK)/models models/$(TASK)
	.venv/bin/farl evaluate $(TASK)

benchmark: setup  ## time the hot path: shield check, environment steps, the way through the graph
	.venv/bin/python -m benchmarks.hot_path

failurebench: setup  ## run the FailureBench protocol (SIZE=smoke, small or full) and write its tables and report
	.venv/bin/python -m benchmarks.failurebench $(SIZE) $(ARGS)

lint: setup  ## ruff and mypy
	.venv/bin/ruff check
	.venv/bin/mypy

clean:  ## remove .venv and everything else that set-up, build and tests made; keeps runs/ and models/
	rm -rf .venv .venv-sim .setup build install log ros2_ws/build ros2_ws/install ros2_ws/log *.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
