"""The geometry of a vase, by hand and by brute force."""

import numpy as np
import pytest

from failurebench.vase import Vase

CONE = (
    (0.12, 0.0),
    (0.16, 0.08),
    (0.1, 0.3),
)  # sides rise 0.08 for 0.04 outwards, then 0.22 for 0.06 inwards


@pytest.fixture
def vase():
    return Vase((0.3, 0.7), CONE)


@pytest.mark.parametrize(
    ("point", "distance"),
    [
        ((0.0, 0.0, 0.5), 0.2),  # above the lid
        ((0.05, 0.0, 0.35), 0.05),
        ((0.13, 0.0, 0.34), 0.05),  # 3-4-5 triangle at the rim
        ((0.0, -0.13, 0.34), 0.05),  # the same from another side
        ((0.0, 0.0, 0.28), -0.02),  # inside, below the lid
        ((0.2, 0.0, 0.08), 0.04),  # beside the belly
        ((0.1, 0.0, 0.3), 0.0),  # on the rim
        ((0.13, 0.0, 0.19), 0.0),  # on the taper's middle
        # On the taper's normal, direction (0.22, 0.06) / 0.228035, from its middle.
        ((0.13 + 0.05 * 0.964763, 0.0, 0.19 + 0.05 * 0.263117), 0.05),
        ((0.13 - 0.02 * 0.964763, 0.0, 0.19 - 0.02 * 0.263117), -0.02),
        # Below the belly, on the normal (0.08, -0.04) / 0.0894427 from (0.14, 0.04).
        ((0.14 + 0.03 * 0.894427, 0.0, 0.04 - 0.03 * 0.447214), 0.03),
        (
            (0.14, 0.0, -0.04),
            0.04 * 0.894427,
        ),  # below the table, where the lowest side goes on to radius 0.10
        ((0.08, 0.0, 0.04), -0.06 * 0.894427),  # 0.06 inwards from there, horizontally
    ],
)
def test_distances_worked_out_by_hand(vase, point, distance):
    assert vase.distance(*point) == pytest.approx(distance, abs=1e-6)
    index, nearest = vase.nearest(np.array([point]).T)
    assert index == 0
    assert nearest == pytest.approx(distance, abs=1e-6)


def test_agrees_with_the_nearest_of_many_points_on_the_surface(vase):
    radii, heights = np.array((*CONE, (0.0, 0.3))).T
    share = np.linspace(0.0, 3.0, 3001)
    outline = np.stack((np.interp(share, range(4), radii), np.interp(share, range(4), heights)))
    turn = np.linspace(0.0, 2.0 * np.pi, 721)
    circle = np.stack((np.cos(turn), np.sin(turn)))
    surface = np.concatenate([np.stack((*(r * circle), np.full(721, z)), axis=1) for r, z in outline.T[::10]])
    random = np.random.default_rng(0)
    for point in random.uniform((-0.3, -0.3, 0.02), (0.3, 0.3, 0.4), (40, 3)):
        inside = point[2] < 0.3 and np.hypot(*point[:2]) < np.interp(point[2], heights[:3], radii[:3])
        expected = np.linalg.norm(surface - point, axis=1).min() * (-1 if inside else 1)
        assert vase.distance(*point) == pytest.approx(expected, abs=1e-3)


def test_finds_the_nearest_of_many_points(vase):
    random = np.random.default_rng(1)
    for low in (-0.05, 0.1, 0.2):  # some inside, few inside, all outside
        points = random.uniform(low, 0.4, (3, 200))
        distances = [vase.distance(*point) for point in points.T.tolist()]
        index, nearest = vase.nearest(points)
        assert index == np.argmin(distances)
        assert nearest == pytest.approx(min(distances), abs=1e-12)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (((0.1, 0.0),), "two or more"),
        (((0.1, 0.1), (0.1, 0.2)), "the first at height 0"),
        (((0.1, 0.0), (0.0, 0.2)), "positive radii"),
        (((0.1, 0.0), (0.2, 0.2), (0.1, 0.2)), "heights that rise"),
        (((0.1, 0.0), (0.05, 0.1), (0.1, 0.2)), "convex outline without a waist"),
    ],
)
def test_what_is_no_outline_is_refused(profile, message):
    with pytest.raises(ValueError, match=message):
        Vase((0.0, 0.0), profile)
