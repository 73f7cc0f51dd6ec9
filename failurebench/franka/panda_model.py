"""The Panda with its hand as a MuJoCo body: published kinematics, capsules for links, no meshes.

Kinematics: the modified (Craig) Denavit-Hartenberg parameters that Franka publishes, with flange and hand.
Masses are rough: stiff joint servos with compensated gravity move the arm, so that they hardly matter.
"""

import math
from dataclasses import dataclass

Numbers = tuple[float, ...]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Link:
    """One row of the table.

    Attributes:
        a: Length along the previous x axis, metres.
        d: Offset along the joint axis, metres.
        alpha: Twist about the previous x axis, radians.
    """

    a: float
    d: float
    alpha: float


LINKS = (
    Link(0.0, 0.333, 0.0),
    Link(0.0, 0.0, -math.pi / 2),
    Link(0.0, 0.316, math.pi / 2),
    Link(0.0825, 0.0, math.pi / 2),
    Link(-0.0825, 0.384, -math.pi / 2),
    Link(0.0, 0.0, math.pi / 2),
    Link(0.088, 0.0, math.pi / 2),
)
FLANGE_OFFSET = 0.107
"""From joint 7 to the flange along its z axis, metres."""
HAND_ANGLE = -math.pi / 4
"""Rotation of the hand about the flange's z axis, radians."""
TIP_OFFSET = 0.1034
"""From the flange to the point between the finger tips, metres."""
READY: Numbers = (0.0, -math.pi / 4, 0.0, -3 * math.pi / 4, 0.0, math.pi / 2, math.pi / 4)
"""Franka's ready pose, radians."""
JOINT_LOWER: Numbers = (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973)
JOINT_UPPER: Numbers = (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973)
JOINT_SPEED: Numbers = (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61)
"""Limits of the Panda, radians and radians per second."""
_TORQUE = (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0)
_STIFFNESS = (2500.0, 2500.0, 2500.0, 2500.0, 1000.0, 1000.0, 1000.0)
_SERVO_LAG = 0.04
"""Damping over stiffness, seconds: the same in all joints, so that a straight path stays straight."""

FINGER_RADIUS = 0.01
FINGER_SPREAD = 0.03
"""The fingers stand still at y = plus and minus this, metres: a pushed disc rests against both."""
PALM_HALF_SIZE = (0.03, 0.1)
"""Half-sizes of the palm on x and y, metres."""
PALM_HEIGHT = 0.045
"""Height of the palm's underside above the finger tips, metres."""

# Radius and the two ends of each link's capsules in its own frame, metres.
_CAPSULES: tuple[tuple[tuple[float, str], ...], ...] = (
    ((0.06, "0 0 -.28 0 0 -.05"),),
    ((0.06, "0 0 -.06 0 0 .06"), (0.06, "0 0 0 0 -.14 0")),
    ((0.055, "0 0 -.14 0 0 -.04"), (0.055, "0 0 -.04 .0825 0 0")),
    ((0.055, "0 0 -.05 0 0 .05"), (0.055, "0 0 0 -.0825 .11 0")),
    ((0.05, "0 0 -.26 0 0 -.16"), (0.035, "0 .05 -.2 0 .05 -.03")),
    ((0.05, "0 0 -.07 0 0 .03"), (0.045, "0 0 0 .088 0 0")),
    ((0.045, "0 0 0 0 0 .09"),),
)
_MASSES = (3.0, 3.0, 2.5, 2.5, 2.5, 1.5, 0.7)


def arm_xml() -> str:
    """Return the body element of the arm with the hand, for a model's world body."""
    inner = _hand_xml()
    for number in range(len(LINKS), 0, -1):
        inner = _link_xml(number, inner)
    base = '<geom class="arm" type="capsule" size=".07" fromto="-.06 0 .07 .02 0 .07" mass="3"/>'
    return f'<body name="base">{base}{inner}</body>'


def actuator_xml() -> str:
    """Return the joint servos: each takes a joint speed and holds the position that this integrates to."""
    rows = []
    for number, (low, high, torque, stiffness, speed) in enumerate(
        zip(JOINT_LOWER, JOINT_UPPER, _TORQUE, _STIFFNESS, JOINT_SPEED, strict=True), start=1
    ):
        rows.append(
            f'<intvelocity name="joint{number}" joint="joint{number}" kp="{stiffness}" '
            f'kv="{_SERVO_LAG * stiffness}" actrange="{low} {high}" ctrlrange="-{speed} {speed}" '
            f'forcerange="-{torque} {torque}"/>'
        )
    return f"<actuator>{''.join(rows)}</actuator>"


def _link_xml(number: int, inner: str) -> str:
    link, capsules, mass = LINKS[number - 1], _CAPSULES[number - 1], _MASSES[number - 1]
    sine, cosine = math.sin(link.alpha), math.cos(link.alpha)
    place = f"{link.a!r} {-sine * link.d!r} {cosine * link.d!r}"
    turn = f"{math.cos(link.alpha / 2)!r} {math.sin(link.alpha / 2)!r} 0 0"
    geoms = "".join(
        f'<geom class="arm" type="capsule" size="{radius}" fromto="{ends}" mass="{mass / len(capsules)}"/>'
        for radius, ends in capsules
    )
    limits = f"{JOINT_LOWER[number - 1]} {JOINT_UPPER[number - 1]}"
    joint = f'<joint name="joint{number}" axis="0 0 1" range="{limits}" armature=".1"/>'
    return f'<body name="link{number}" pos="{place}" quat="{turn}" gravcomp="1">{joint}{geoms}{inner}</body>'


def _hand_xml() -> str:
    turn = f"{math.cos(HAND_ANGLE / 2)!r} 0 0 {math.sin(HAND_ANGLE / 2)!r}"
    end = TIP_OFFSET - FINGER_RADIUS
    fingers = "".join(
        f'<geom name="finger{i}" class="finger" type="capsule" size="{FINGER_RADIUS}" '
        f'fromto="0 {y} .06 0 {y} {end}" mass=".02"/>'
        for i, y in enumerate((FINGER_SPREAD, -FINGER_SPREAD))
    )
    palm_x, palm_y = PALM_HALF_SIZE
    palm_z = (TIP_OFFSET - PALM_HEIGHT) / 2
    return (
        f'<body name="flange" pos="0 0 {FLANGE_OFFSET}" gravcomp="1">'
        f'<body name="hand" quat="{turn}" gravcomp="1">'
        f'<geom class="palm" type="box" size="{palm_x} {palm_y} {palm_z}" pos="0 0 {palm_z}" mass=".7"/>'
        f'{fingers}<site name="tip" pos="0 0 {TIP_OFFSET}" size=".002"/></body></body>'
    )
