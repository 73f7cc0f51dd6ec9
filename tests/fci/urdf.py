"""The robot description that a version 10 client builds its dynamics from, made of the DH parameters.

Masses are round numbers of about the right size: no test depends on them.
"""

from __future__ import annotations

import math

from tests.fci.body import FR3
from tests.fci.kinematics import DH

MASSES = (3.0, 3.0, 3.0, 3.0, 3.0, 1.5, 1.0, 0.1)  # links 1 to 7 and the flange [kg]
TORQUES = (87, 87, 87, 87, 12, 12, 12)  # [Nm]


def _link(name: str, mass: float) -> str:
    inertia = 0.01 * mass
    return (
        f'<link name="{name}"><inertial><origin xyz="0 0 0" rpy="0 0 0"/><mass value="{mass}"/>'
        f'<inertia ixx="{inertia}" iyy="{inertia}" izz="{inertia}" ixy="0" ixz="0" iyz="0"/>'
        "</inertial></link>"
    )


def _joint(number: int) -> str:
    a, d, alpha = DH[number - 1]
    fixed = number == 8
    limits = "" if fixed else _limits(number - 1)
    # Craig's convention: turn by alpha about x, move a along x, then d along the new z.
    y, z = _rotated(d, alpha)
    return (
        f'<joint name="joint{number}" type="{"fixed" if fixed else "revolute"}">'
        f'<parent link="link{number - 1}"/><child link="link{number}"/>'
        f'<origin xyz="{a} {y:.12g} {z:.12g}" rpy="{alpha:.17g} 0 0"/>{limits}</joint>'
    )


def _rotated(d: float, alpha: float) -> tuple[float, float]:
    return -d * math.sin(alpha), d * math.cos(alpha)


def _limits(index: int) -> str:
    return (
        f'<axis xyz="0 0 1"/><limit lower="{FR3.lower[index]}" upper="{FR3.upper[index]}" '
        f'effort="{TORQUES[index]}" velocity="{FR3.velocity[index]}"/>'
        # libfranka reads from it how fast a joint may approach its end, and refuses a model without it
        f'<position_based_velocity_limits velocity_offset="0.3" deceleration_limit="6.0"/>'
    )


def robot_description() -> str:
    """The URDF: link 0, seven joints and links, and the flange as link 8; libfranka asks for these names."""
    parts = ['<link name="link0"/>']
    for number, mass in enumerate(MASSES, 1):
        parts += [_joint(number), _link(f"link{number}", mass)]
    return '<?xml version="1.0"?><robot name="fr3">' + "".join(parts) + "</robot>"
