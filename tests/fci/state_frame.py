"""The state datagram: 284 numbers in the order of the protocol, modes and errors."""

from __future__ import annotations

from tests.fci.body import Body
from tests.fci.kinematics import Matrix
from tests.fci.layouts import Controller, Generator, Layout

HAND_MASS, HAND_CENTRE = 0.73, (-0.01, 0.0, 0.03)  # Franka hand: [kg], flange to centre of mass [m]
GRAVITY = (0.0, 0.0, -9.81)
_ZEROS = [0.0] * 18


def pack_state(layout: Layout, body: Body, message_id: int) -> bytes:
    """The arm as it is now."""
    z = _ZEROS
    joints, velocity, torque = body.joints.tolist(), body.velocity.tolist(), body.torque.tolist()
    pose, wrench = _columns(body.pose()), body.wrench.tolist()
    commanded = _columns(body.commanded_pose) if _is_pose(body) else pose
    elbow = [joints[2], -1.0 if joints[3] < 0.0 else 1.0]
    numbers = [
        *pose,  # O_T_EE
        *commanded,  # O_T_EE_d
        *_columns(body.tool),  # F_T_EE
        *_columns(body.tool_to_stiffness),  # EE_T_K
        *_columns(body.flange_to_nominal),  # F_T_NE
        *_columns(body.nominal_to_tool),  # NE_T_EE
        *(HAND_MASS, *z[:9], *HAND_CENTRE),  # end-effector: mass, inertia, centre
        *(0.0, *z[:9], *z[:3]),  # load: the same
        *(*elbow, *elbow),  # elbow, elbow_d
        *(*torque, *torque, *z[:7]),  # tau_J, tau_J_d, dtau_J
        *(*joints, *joints),  # q, q_d
        *(*velocity, *velocity, *z[:7]),  # dq, dq_d, ddq_d
        *(*z[:7], *z[:6]),  # joint and Cartesian contact
        *(*z[:7], *z[:6]),  # joint and Cartesian collision
        *z[:7],  # tau_ext_hat_filtered
        *(*wrench, *wrench),  # O_F_ext_hat_K, K_F_ext_hat_K
        *body.commanded_twist.tolist(),  # O_dP_EE_d
        *GRAVITY,  # O_ddP_O
        *(*elbow, *z[:4]),  # elbow_c, delbow_c, ddelbow_c
        *commanded,  # O_T_EE_c
        *body.commanded_twist.tolist(),  # O_dP_EE_c
        *z[:6],  # O_ddP_EE_c
        *(*joints, *velocity),  # theta, dtheta
        *[0.0] * layout.padding,
    ]
    motion = body.motion
    generator = Generator.IDLE if motion is None else motion.generator
    controller = Controller.OTHER if motion is None else motion.controller
    success_rate = 0.0 if motion is None else 1.0
    return layout.state.pack(
        message_id,
        *numbers,
        generator,
        controller,
        *body.errors,
        *body.last_errors,
        body.mode,
        success_rate,
    )


def _is_pose(body: Body) -> bool:
    return body.motion is not None and body.motion.generator == Generator.CARTESIAN_POSE


def _columns(matrix: Matrix) -> list[float]:
    return matrix.T.ravel().tolist()
