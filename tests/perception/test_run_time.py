"""What a robot computer must have installed, and what it must not."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_run_time_loads_no_training_no_simulator_and_no_driver_before_it_is_asked():
    code = (
        "import sys, perception.build, perception.drawing, perception.cameras.realsense, "
        "perception.cameras.simulated, perception.calibration.lens\n"
        "print(sorted({'torch', 'ultralytics', 'mujoco', 'pyrealsense2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
