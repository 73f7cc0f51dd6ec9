"""Runs the emulated arm; it prints ``ready``, then answers each line on standard input with one of JSON.

    reflex | motion_limit | communication     stop with that error
    user_stop on|off                          press or release the button
    freeze on|off                             answer nothing
    drop                                      close the connections
    version NUMBER                            claim to be another server version, from the next connection on
    gripper_delay SECONDS                     how late the hand says that it is done
    gripper_object METRES                     the width of what lies between its fingers
    wrench FX FY FZ TX TY TZ                  the external wrench that it reports [N, Nm]
    place X Y Z                               put the hand there, before anybody connects [m]
    since SECONDS                             what broke it was done elsewhere, at that monotonic time [s]
    report                                    nothing: every answer is a report

End it by closing its standard input.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time

import numpy as np

from tests.fci.arm_server import ArmServer
from tests.fci.body import CYCLE, FR3, PANDA, Body
from tests.fci.gripper_server import GripperServer
from tests.fci.layouts import LAYOUTS, ErrorIndex
from tests.fci.model_library import build_model_library
from tests.fci.urdf import robot_description

GRIPPER_CYCLES = 10  # of the arm for one of the hand
BEHIND = 0.05
"""Who is later than this does not catch up [s]."""
ERRORS = {
    "reflex": ErrorIndex.CARTESIAN_REFLEX,
    "motion_limit": ErrorIndex.CARTESIAN_JOINT_VELOCITY_LIMIT,
    "communication": ErrorIndex.COMMUNICATION_CONSTRAINTS,
}


def obey(line: str, arm: ArmServer, gripper: GripperServer) -> None:
    """Do what one line says."""
    word, *values = line.split()
    body = arm.body
    if word in ERRORS:
        arm.finish(body.fail(ERRORS[word]))
    elif word == "user_stop" and values == ["on"]:
        arm.finish(body.press_user_stop())
    elif word == "user_stop":
        body.user_stop = False
    elif word == "freeze":
        arm.frozen = values == ["on"]
        body.mark_broken()
    elif word == "drop":
        arm.drop()
        gripper.drop()
        body.mark_broken()
    elif word == "version":
        arm.claimed_version = int(values[0])
    elif word == "gripper_delay":
        gripper.delay = float(values[0])
    elif word == "gripper_object":
        gripper.object_width = float(values[0])
    elif word == "wrench":
        body.wrench = np.array(values, np.float64)
    elif word == "place":
        body.place(np.array(values, np.float64))
    elif word == "since":
        body.mark_broken_at(float(values[0]))
    elif word != "report":
        raise SystemExit(f"unknown line {line!r}")


def report(arm: ArmServer, gripper: GripperServer) -> str:
    """What the arm knows of itself, as one line of JSON."""
    body = arm.body
    return json.dumps(
        {
            "mode": body.mode.name,
            "cycle": body.cycle,
            "clock": time.monotonic(),
            "position": body.pose()[:3, 3].tolist(),
            "speed": body.speed,
            "fastest": body.fastest,
            "travelled": body.travelled,
            "moved_cycle": body.moved.cycle,
            "moved_seconds": body.moved.seconds,
            "rested_cycle": body.rested.cycle,
            "rested_seconds": body.rested.seconds,
            "broken_cycle": body.broken.cycle,
            "broken_seconds": body.broken.seconds,
            "gripper_width": gripper.width,
            "commands": {command.value: count for command, count in arm.commands.items()},
            "gripper_commands": {c.name.lower(): count for c, count in gripper.commands.items()},
        }
    )


def run(arm: ArmServer, gripper: GripperServer) -> None:
    """A cycle a millisecond, until standard input ends."""
    lines, due = b"", time.perf_counter()
    while True:
        if select.select([0], [], [], 0)[0]:
            data = os.read(0, 4096)
            if not data:
                return
            *complete, lines = (lines + data).split(b"\n")
            for line in complete:
                obey(line.decode(), arm, gripper)
                print(report(arm, gripper), flush=True)
        if not arm.frozen:
            arm.cycle()
            if arm.body.cycle % GRIPPER_CYCLES == 0:
                gripper.cycle(GRIPPER_CYCLES * CYCLE)
        due += CYCLE
        now = time.perf_counter()
        if due > now:
            time.sleep(due - now)
        elif now - due > BEHIND:
            due = now


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", type=int, choices=sorted(LAYOUTS), default=10, help="of the FCI server")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address: 127.x.x.x")
    arguments = parser.parse_args()
    if not arguments.host.startswith("127."):
        sys.exit(f"--host {arguments.host}: loopback only, for a version 5 client runs code that it is sent")
    version5 = arguments.version == 5
    model = build_model_library() if version5 else robot_description().encode()
    arm = ArmServer(LAYOUTS[arguments.version], arguments.host, Body(PANDA if version5 else FR3), model)
    gripper = GripperServer(arguments.host)
    print("ready", flush=True)
    run(arm, gripper)


if __name__ == "__main__":
    main()
