import numpy as np
import pytest

from perception.detection.colour import ColourDetector, ColourRange
from perception.detection.detection import Box, Detection, Region, Source
from perception.frame import Frame, Intrinsics
from perception.geometry import Bounds, LiftLimits, ObjectModel, Rejection, locate, table_error
from perception.shapes import Cylinder, Ellipsoid
from perception.transforms import deproject, invert, move, project
from tests.perception.raycast import CAMERA, INTRINSICS, ball, frame_of, looking, puck, render

RED = ColourRange((172, 8), (120, 255), (60, 255), 40)
BLUE = ColourRange((105, 130), (120, 255), (60, 255), 40)
COLOURS = ColourDetector({"ball": RED, "puck": BLUE})
BALL, PUCK = ObjectModel(Ellipsoid((0.03, 0.03, 0.03))), ObjectModel(Cylinder(0.035, 0.02))
LIMITS = LiftLimits(Bounds((0.2, -0.4, -0.02), (0.9, 0.4, 0.3)))


def find(frame, name):
    return next(found for found in COLOURS.detect(frame.colour) if found.object_class == name)


def located(frame, name, model, limits=LIMITS, detection=None):
    return locate(detection or find(frame, name), frame, INTRINSICS, CAMERA, model, limits)


def test_deprojection_by_hand():
    camera = Intrinsics(640, 480, 600.0, 500.0, 320.0, 240.0)
    points = deproject(camera, np.array((320.0, 620.0)), np.array((240.0, 490.0)), np.array((2.0, 2.0)))
    assert points == pytest.approx(np.array(((0, 0, 2), (1, 1, 2))))


def test_a_camera_that_looks_straight_down():
    # at (0.5, 0, 1), image right = base -y, image down = base -x, looking down
    down = np.array(((0, -1, 0, 0.5), (-1, 0, 0, 0), (0, 0, -1, 1), (0, 0, 0, 1.0)))
    assert move(down, np.array(((0.1, 0.2, 1.0),)))[0] == pytest.approx((0.3, -0.1, 0.0))
    assert invert(down) @ down == pytest.approx(np.eye(4))
    camera = Intrinsics(640, 480, 600.0, 600.0, 320.0, 240.0)
    assert project(camera, invert(down), np.array((0.3, -0.1, 0.0))) == pytest.approx((380.0, 360.0))
    assert np.isnan(project(camera, invert(down), np.array((0.3, -0.1, 1.5)))).all()


UP, ASIDE = np.array((0.0, 0.0, 1.0)), np.array((0.0, -1.0, 0.0))


def test_surfaces_by_hand():
    # a ball: two thirds of the radius; from above a cylinder shows its end, from the side pi/4 of its radius
    assert Ellipsoid((0.03, 0.03, 0.03)).surface(ASIDE) == pytest.approx((0, -0.02, 0))
    assert Ellipsoid((0.04, 0.03, 0.015)).surface(UP) == pytest.approx((0, 0, 0.01))
    assert Cylinder(0.04, 0.02).surface(UP) == pytest.approx((0, 0, 0.02))
    assert Cylinder(0.04, 0.02).surface(ASIDE) == pytest.approx((0, -0.01 * np.pi, 0))
    assert Ellipsoid((0.04, 0.03, 0.015)).shadow(UP) == pytest.approx(np.pi * 0.04 * 0.03)
    assert Ellipsoid((0.04, 0.03, 0.015)).shadow(ASIDE) == pytest.approx(np.pi * 0.04 * 0.015)
    assert Cylinder(0.04, 0.02).shadow(ASIDE) == pytest.approx(0.08 * 0.04)


@pytest.mark.parametrize("shape", [Ellipsoid((0.04, 0.03, 0.015)), Cylinder(0.035, 0.02)])
@pytest.mark.parametrize("azimuth, elevation", [(0.3, 0.2), (2.0, 0.7), (4.0, 1.3)])
def test_surfaces_agree_with_rays_from_far_away(shape, azimuth, elevation):
    towards = np.array(
        (np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation))
    )
    centre = np.array((0.4, 0.1, 0.0))
    far = looking(centre + 20.0 * towards, centre)
    eye = Intrinsics(200, 200, 40000.0, 40000.0, 99.5, 99.5)
    solid = (
        puck(centre, shape.radius, shape.half_height)
        if isinstance(shape, Cylinder)
        else ball(centre, shape.half_axes)
    )
    _, depth = render([solid], far, eye, table=-9.0)
    rows, columns = np.nonzero((depth > 0) & (depth < 20.2) & (depth > 19.8))
    points = move(far, deproject(eye, columns * 1.0, rows * 1.0, depth[rows, columns].astype(float)))
    assert points.mean(axis=0) - centre == pytest.approx(shape.surface(towards), abs=4e-4)
    assert len(points) * (20.0 / 40000.0) ** 2 == pytest.approx(shape.shadow(towards), rel=0.01)


@pytest.mark.parametrize("x, y", [(0.35, 0.0), (0.5, 0.2), (0.7, -0.25), (0.6, 0.05)])
def test_centres_are_found_within_two_millimetres(x, y):
    frame = frame_of([ball((x, y, 0.03)), puck((x - 0.1, -y - 0.15, 0.02))])
    found = located(frame, "ball", BALL)
    assert found.position == pytest.approx((x, y, 0.03), abs=0.002)
    assert found.visible_share == pytest.approx(1.0, abs=0.12)
    assert located(frame, "puck", PUCK).position == pytest.approx((x - 0.1, -y - 0.15, 0.02), abs=0.002)


def test_without_the_correction_the_error_is_that_of_the_surface():
    # what a median depth at the mask's centre would give: at least a centimetre off
    frame = frame_of([ball((0.5, 0.0, 0.03))])
    found = find(frame, "ball")
    depth = np.median(
        frame.depth[found.region.top :, found.region.left :][
            : found.region.mask.shape[0], : found.region.mask.shape[1]
        ][found.region.mask]
    )
    middle = ((found.box.left + found.box.right - 1) / 2, (found.box.top + found.box.bottom - 1) / 2)
    naive = move(CAMERA, deproject(INTRINSICS, *(np.array([value]) for value in (*middle, depth))))[0]
    assert np.linalg.norm(naive - (0.5, 0.0, 0.03)) > 0.01
    assert np.linalg.norm(located(frame, "ball", BALL).position - (0.5, 0.0, 0.03)) < 0.002


def test_noise_and_holes_at_one_side_are_survived():
    random = np.random.default_rng(0)
    frame = frame_of([puck((0.5, 0.1, 0.02))], random=random)
    found = find(frame, "puck")
    depth = frame.depth.copy()
    cut = slice(found.region.left, found.region.left + found.region.mask.shape[1] // 3)
    depth[:, cut] = 0.0
    depth[found.region.top, :] = 3.0  # pixels that belong to the background
    holed = Frame(frame.colour, depth, INTRINSICS, 0.0, 1)
    result = located(holed, "puck", PUCK)
    assert result.position == pytest.approx((0.5, 0.1, 0.02), abs=0.004)
    assert result.depth_share == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda depth: np.zeros_like(depth), Rejection.NO_DEPTH),
        (lambda depth: np.full_like(depth, np.nan), Rejection.NO_DEPTH),
        (
            lambda depth: np.where(np.indices(depth.shape)[1] % 2, 0.5, 2.5).astype(np.float32),
            Rejection.SCATTERED,
        ),
        (lambda depth: depth * 0.5, Rejection.TOO_SMALL),
        (lambda depth: depth * 1.5, Rejection.TOO_LARGE),
    ],
)
def test_what_cannot_be_located_is_rejected_with_the_reason(change, reason):
    frame = frame_of([puck((0.5, 0.0, 0.02))])
    changed = Frame(frame.colour, change(frame.depth), INTRINSICS, 0.0, 1)
    assert located(changed, "puck", PUCK) is reason


def test_a_thing_of_the_same_colour_but_another_size_is_rejected():
    large = frame_of([puck((0.5, 0.0, 0.06), 0.07, 0.06)])
    small = frame_of([puck((0.5, 0.0, 0.01), 0.014, 0.01)])
    assert located(large, "puck", PUCK) is Rejection.TOO_LARGE
    assert located(small, "puck", PUCK) is Rejection.TOO_SMALL


def test_bounds_include_their_ends_and_zero_is_a_bound():
    bounds = Bounds((0.0, 0.0, 0.0), (1.0, 0.0, 1.0))
    assert bounds.holds(np.zeros(3)) and bounds.holds(np.array((1.0, 0.0, 1.0)))
    assert not bounds.holds(np.array((0.5, 0.001, 0.5)))
    assert not bounds.holds(np.array((0.5, np.nan, 0.5)))
    frame = frame_of([puck((0.5, 0.0, 0.02))])
    tight = LiftLimits(Bounds((0.2, 0.1, -0.02), (0.9, 0.4, 0.3)))
    assert located(frame, "puck", PUCK, tight) is Rejection.OUT_OF_BOUNDS


def test_half_hidden_is_less_sure_and_scores_less():
    frame = frame_of([puck((0.5, 0.0, 0.02))])
    found = find(frame, "puck")
    mask = found.region.mask.copy()
    mask[:, : mask.shape[1] // 2] = False
    half = Detection(
        "puck", found.score, found.box, Source.COLOUR, Region(found.region.top, found.region.left, mask)
    )
    whole, hidden = located(frame, "puck", PUCK), located(frame, "puck", PUCK, detection=half)
    assert hidden.visible_share == pytest.approx(0.5, abs=0.05)
    assert np.all(np.diag(hidden.covariance) > np.diag(whole.covariance))
    assert hidden.score < 0.6 * whole.score


@pytest.mark.parametrize("name, model, height", [("puck", PUCK, 0.02), ("ball", BALL, 0.03)])
@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_half_hidden_object_is_found_by_its_surface(name, model, height, side):
    random, centre = np.random.default_rng(0), np.array((0.5, 0.1, height))
    frame = frame_of([(puck if name == "puck" else ball)(centre)], random=random)
    found = find(frame, name)
    mask = found.region.mask.copy()
    rows, columns = mask.shape
    mask[
        {"top": np.s_[: rows // 2], "bottom": np.s_[rows // 2 :]}.get(side, np.s_[:]),
        {"left": np.s_[: columns // 2], "right": np.s_[columns // 2 :]}.get(side, np.s_[:]),
    ] = False
    half = Detection(name, 1.0, found.box, Source.COLOUR, Region(found.region.top, found.region.left, mask))
    result = located(frame, name, model, detection=half)
    error = result.position - centre
    assert error @ np.linalg.solve(result.covariance, error) < 16.27  # 99.9 % of what it claims
    if (name, side) == ("puck", "bottom"):  # only the flat top is seen: no telling how far it goes on
        assert abs(error[2]) < 0.002 and result.covariance[0, 0] > 0.008**2
    else:
        assert np.linalg.norm(error) < 0.006


def test_distances_to_surfaces_by_hand():
    points = np.array(((0.05, 0.0, 0.0), (0.0, 0.0, 0.03), (0.0, -0.03, 0.0)))
    distances, normals = Ellipsoid((0.04, 0.03, 0.02)).distances(points)
    assert distances == pytest.approx((0.01, 0.01, 0.0))
    assert normals == pytest.approx(np.array(((1, 0, 0), (0, 0, 1), (0, -1, 0))))
    distances, normals = Cylinder(0.04, 0.02).distances(points)
    assert distances == pytest.approx((0.01, 0.01, -0.01))
    assert normals == pytest.approx(np.array(((1, 0, 0), (0, 0, 1), (0, -1, 0))))


def test_a_box_without_a_mask_uses_what_stands_on_the_table():
    frame = frame_of([puck((0.55, -0.1, 0.02))])
    box = find(frame, "puck").box.grown(0.15)
    seen = Detection("puck", 0.9, Box(box.left, box.top, box.right, box.bottom), Source.YOLO)
    assert located(frame, "puck", PUCK, detection=seen).position == pytest.approx(
        (0.55, -0.1, 0.02), abs=0.006
    )


def test_the_origin_moves_the_tracked_point():
    frame = frame_of([puck((0.5, 0.0, 0.02))])
    foot = ObjectModel(PUCK.shape, (0.0, 0.0, -0.02))
    assert located(frame, "puck", foot).position == pytest.approx((0.5, 0.0, 0.0), abs=0.002)


def test_the_table_tells_of_a_wrong_depth_scale_and_a_moved_camera():
    frame = frame_of([puck((0.5, 0.0, 0.02))])
    assert table_error(frame, INTRINSICS, CAMERA, LIMITS) == pytest.approx(0.0, abs=1e-6)
    scaled = Frame(frame.colour, frame.depth * np.float32(1.1), INTRINSICS, 0.0, 1)
    assert abs(table_error(scaled, INTRINSICS, CAMERA, LIMITS)) > 0.04
    raised = CAMERA.copy()
    raised[2, 3] += 0.05
    assert table_error(frame, INTRINSICS, raised, LIMITS) == pytest.approx(0.05, abs=1e-6)
    away = looking((1.15, 0.0, 0.62), (3.0, 0.0, 0.0))
    assert table_error(frame_of([], base_from_camera=away), INTRINSICS, away, LIMITS) is None
