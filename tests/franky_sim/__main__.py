"""Runs franky-sim's arm above a table with a puck: ``ready``, then a line of JSON for each that comes.

Needs the environment of ``requirements/franky-sim.txt``. End it by closing its standard input.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable

import numpy as np
from franky_sim import SimulationServer
from franky_sim.mujoco_simulator import MujocoSimulator

from tests.fci.kinematics import READY, hand_frame, pose_and_jacobian, rotation_vector

FRICTION = "0.3 0.005 0.0001"  # of the puck on the table: sliding, and MuJoCo's own for turning and rolling
PUCK = "0.035 0.02"  # radius and half the height [m]
MASS = "0.12"  # [kg]
WAY_STEPS = 200
CYCLE = 1e-3  # [s]
BEHIND = 0.05
"""Who is later than this does not catch up [s]."""


def joints_at(position: np.ndarray) -> np.ndarray:
    """Joint positions with the point between the finger tips there [m], fingers down."""
    joints, down = READY.copy(), np.diag([1.0, -1.0, -1.0])
    for _ in range(WAY_STEPS):
        pose, jacobian = pose_and_jacobian(joints, hand_frame())
        change = np.concatenate([position - pose[:3, 3], rotation_vector(down @ pose[:3, :3].T)])
        # Newton's steps, but none so long that it leads to another turn of the joints.
        joints = joints + np.clip(np.linalg.pinv(jacobian) @ change, -0.05, 0.05)
    assert np.abs(change).max() < 1e-9, f"no joint positions for {position}"
    return joints


def run(server: SimulationServer, simulator: MujocoSimulator, report: Callable[[], str]) -> None:
    """A cycle a millisecond, and a report for each line, until standard input ends.

    The server's own loop sleeps in every cycle, and so never catches up after it had to wait for the
    processor: on a busy machine its second takes three.
    """
    lines, due = b"", time.perf_counter()
    while True:
        if select.select([0], [], [], 0)[0]:
            data = os.read(0, 4096)
            if not data:
                return
            *complete, lines = (lines + data).split(b"\n")
            for _ in complete:
                print(report(), flush=True)
        for robot in server.robot_servers:
            robot.process_commands()
        simulator.step()
        for robot in server.robot_servers:
            robot.send_state()
        due += CYCLE
        now = time.perf_counter()
        if due > now:
            time.sleep(due - now)
        elif now - due > BEHIND:
            due = now


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True, help="a loopback address: 127.x.x.x")
    parser.add_argument("--hand", type=float, nargs=3, required=True, help="where it starts [m]")
    parser.add_argument("--puck", type=float, nargs=2, required=True, help="where it lies [m]")
    arguments = parser.parse_args()
    simulator = MujocoSimulator()
    x, y = arguments.puck
    puck = ET.SubElement(simulator.worldbody, "body", name="puck", pos=f"{x} {y} 0.02")
    ET.SubElement(puck, "freejoint")
    # The ground that comes with the simulator is the table.
    ET.SubElement(puck, "geom", type="cylinder", size=PUCK, mass=MASS, friction=FRICTION, priority="1")
    simulator.add_robot(initial_q=joints_at(np.array(arguments.hand)).tolist())

    def report() -> str:
        puck = simulator.data.body("puck").xpos.tolist()
        return json.dumps({"puck": puck, "seconds": simulator.data.time, "clock": time.monotonic()})

    with simulator, SimulationServer(simulator, hostname_candidates=[arguments.host]) as server:
        print("ready", flush=True)
        run(server, simulator, report)


if __name__ == "__main__":
    main()
