"""The emulated arm itself: its kinematics, its model library, and its version 5 connection."""

import ctypes
import importlib.util
import socket
import struct
import time

import numpy as np
import pytest

from tests.fci.kinematics import READY, hand_frame, link_frames, pose_and_jacobian
from tests.fci.layouts import ARM_PORT, V5
from tests.fci.model_library import NoCompilerError, build_model_library
from tests.fci.process import FciProcess

JOINTS = np.array([0.3, -0.4, 0.2, -2.0, -0.1, 1.8, 0.5])


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.so"
    try:
        path.write_bytes(build_model_library())
    except NoCompilerError as error:
        pytest.skip(str(error))
    return ctypes.CDLL(str(path))


def test_the_flange_is_where_the_robot_has_it():
    # Stretched upwards (DH table, by hand): 0.333 + 0.316 + 0.384 - 0.107 m high, and 0.088 m out.
    flange = link_frames(np.zeros(7))[7]
    assert flange[:3, 3] == pytest.approx([0.088, 0.0, 0.926])
    # Franka's documented start pose of the hand: 0.307 m in front, 0.487 m high, straight down.
    pose, _ = pose_and_jacobian(READY, hand_frame())
    assert pose[:3, 3] == pytest.approx([0.307, 0.0, 0.487], abs=5e-4)
    assert pose[:3, :3] == pytest.approx(np.diag([1.0, -1.0, -1.0]), abs=1e-9)


def test_the_jacobian_is_the_derivative_of_the_pose():
    tool, step = hand_frame(), 1e-6
    pose, jacobian = pose_and_jacobian(JOINTS, tool)
    for joint in range(7):
        moved, _ = pose_and_jacobian(JOINTS + step * np.eye(7)[joint], tool)
        assert (moved[:3, 3] - pose[:3, 3]) / step == pytest.approx(jacobian[:3, joint], abs=1e-5)
        spin = (moved[:3, :3] - pose[:3, :3]) / step @ pose[:3, :3].T
        assert [spin[2, 1], spin[0, 2], spin[1, 0]] == pytest.approx(jacobian[3:, joint], abs=1e-5)


def test_the_model_library_has_the_same_kinematics(library):
    def call(name, size, *arguments):
        out = (ctypes.c_double * size)()
        getattr(library, name)(*((ctypes.c_double * len(a))(*a) for a in arguments), out)
        return np.array(out)

    tool = hand_frame()
    columns = tool.T.ravel().tolist()
    pose, jacobian = pose_and_jacobian(JOINTS, tool)
    assert pytest.approx(pose) == call("O_T_J9", 16, JOINTS, columns).reshape(4, 4).T
    assert pytest.approx(jacobian) == call("O_J_J9", 42, JOINTS, columns).reshape(7, 6).T
    turned = np.vstack([pose[:3, :3].T @ jacobian[:3], pose[:3, :3].T @ jacobian[3:]])
    assert pytest.approx(turned) == call("Ji_J_J9", 42, JOINTS, columns).reshape(7, 6).T
    assert pytest.approx(link_frames(JOINTS)[3]) == call("O_T_J4", 16, JOINTS).reshape(4, 4).T
    assert call("O_J_J1", 42)[3:6].tolist() == [0.0, 0.0, 1.0]


def test_version_5_sends_its_states_and_its_model(library):
    with FciProcess(5) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as states:
        states.bind(("", 0))
        states.settimeout(2.0)
        with socket.create_connection((server.host, ARM_PORT), timeout=5.0) as arm:
            arm.sendall(struct.pack("<IIIHH", 0, 1, 16, 5, states.getsockname()[1]))
            assert struct.unpack("<IIIBH", arm.recv(64)[:15]) == (0, 1, 20, 0, 5)
            datagram = states.recv(4096)
            assert len(datagram) == 2373
            numbers = V5.state.unpack(datagram)
            pose, _ = pose_and_jacobian(READY, hand_frame())
            assert pytest.approx(pose) == np.array(numbers[1:17]).reshape(4, 4).T
            arm.sendall(struct.pack("<IIIBB", 13, 2, 14, 0, 0))
            received = b""
            while len(received) < 13 or len(received) < struct.unpack_from("<I", received, 8)[0]:
                received += arm.recv(65536)
            assert received[12] == 0
            assert received[13:17] == b"\x7fELF"


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("panda_py") is None,
    reason="needs a client of version 5: pip install panda-python==1.1.1 (only this test uses it)",
)
def test_a_version_5_client_moves_the_arm(library):
    import panda_py

    with FciProcess(5) as server:
        panda = panda_py.Panda(server.host)
        goal = READY + np.array([0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        assert panda.move_to_joint_position(goal, speed_factor=0.2)
        assert np.allclose(panda.q, goal, atol=0.01)


def test_a_hand_that_is_put_somewhere_keeps_its_orientation_and_has_not_moved():
    with FciProcess() as server:
        report = server.tell("place 0.45 0.1 0.08")
        assert report["position"] == pytest.approx([0.45, 0.1, 0.08], abs=1e-6)
        assert (report["travelled"], report["fastest"], report["moved_cycle"]) == (0.0, 0.0, 0)


def test_what_was_done_elsewhere_is_found_on_its_own_clock():
    with FciProcess() as server:
        first = server.report()
        time.sleep(0.3)
        later = server.tell(f"since {first['clock']}")
    assert later["broken_seconds"] == first["clock"]
    assert abs(later["broken_cycle"] - first["cycle"]) <= 2  # the report comes between two cycles
