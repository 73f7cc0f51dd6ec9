import numpy as np
import pytest

from perception.frame import Frame, Intrinsics

INTRINSICS = Intrinsics(640, 480, 615.0, 615.0, 319.5, 239.5)


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """librealsense writes a usage report into the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def make_frame():
    """Frames of a colourful scene 0.8 m away; each one a little different, as a sensor's noise makes them."""
    random = np.random.default_rng(0)

    def make(stamp=0.0, number=1, *, colour=None, depth=None, intrinsics=INTRINSICS):
        if colour is None:
            colour = random.integers(60, 200, (480, 640, 3), dtype=np.uint8)
        if depth is None:
            depth = (0.8 + 0.001 * random.standard_normal((480, 640))).astype(np.float32)
        return Frame(colour, depth, intrinsics, stamp, number)

    return make
