"""The command chain: each stage at its edges, and what holds for every command whatever comes in."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from farl_ros.arm.command_chain import Axis, ChainSettings, ChainState, CommandRefused, Stage, step
from farl_ros.arm.pose import Pose
from farl_ros.arm.robots import Control, Reach
from farl_ros.task_fields import ActionField, Workspace
from farl_ros.task_spec import load_task

XYZ_GRIPPER = (Axis.X, Axis.Y, Axis.Z, Axis.GRIPPER)
XYZ_YAW = (Axis.X, Axis.Y, Axis.Z, Axis.YAW)
FREE = Reach(translation=10.0, rotation=1.5)
BOX = Workspace(lower=(0.3, -0.3, 0.02), upper=(0.7, 0.3, 0.5))
CENTRE = Pose.facing_down((0.5, 0.0, 0.1), 0.0)


def reach(translation: float, rotation: float = 0.0) -> Reach:
    return Reach(translation=translation, rotation=rotation)


def chain(axes=XYZ_GRIPPER, scale=None, box=BOX, period=0.2, **limits: Reach) -> ChainSettings:
    """Limits that are not given do not bind."""
    control = Control(**({"step": FREE, "leash": FREE, "speed": reach(1e3, 1e3)} | limits))
    return ChainSettings(axes, (0.02,) * len(axes) if scale is None else scale, control, box, period)


def go(action, by: ChainSettings, commanded: Pose = CENTRE, measured: Pose = CENTRE):
    return step(ChainState(commanded), np.array(action, np.float32), measured, by)


def angle(a: Pose, b: Pose) -> float:
    """Angle [rad] between two orientations, exact for small ones too."""
    same = np.sign(a.quaternion @ b.quaternion) or 1.0
    return 4.0 * math.asin(min(1.0, 0.5 * float(np.linalg.norm(a.quaternion - same * b.quaternion))))


def apart(a: Pose, b: Pose) -> float:
    return float(np.linalg.norm(a.position - b.position))


# One stage at a time, by hand.


def test_an_action_moves_the_last_commanded_pose_by_its_scale():
    behind = Pose.facing_down((0.49, 0.0, 0.1), 0.0)
    result = go([1.0, -0.5, 0.25, 0.5], chain(scale=(0.02, 0.02, 0.04, 1.0)), measured=behind)
    np.testing.assert_allclose(result.target.position, [0.52, -0.01, 0.11], atol=1e-9)
    np.testing.assert_array_equal(result.target.quaternion, CENTRE.quaternion)
    assert result.gripper == 0.5 and result.clippings == frozenset()
    assert result.state.commanded is result.target
    assert result.values.dtype == np.float32 and result.values.tolist() == [1.0, -0.5, 0.25, 0.5]


def test_yaw_turns_the_hand_about_the_base_z():
    start = Pose.facing_down((0.5, 0.0, 0.1), 0.3)
    by = chain(XYZ_YAW, scale=(0.02, 0.02, 0.02, 0.2))
    result = go([0.0, 0.0, 0.0, 0.5], by, start, start)
    assert angle(result.target, Pose.facing_down((0.5, 0.0, 0.1), 0.4)) < 1e-7
    np.testing.assert_array_equal(result.target.position, start.position)
    assert result.gripper is None


def test_a_dimension_that_the_task_has_not_does_not_move():
    result = go([1.0], chain((Axis.Y,)))
    np.testing.assert_allclose(result.target.position, [0.5, 0.02, 0.1], atol=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", range(4))
def test_what_is_not_finite_is_refused(bad, where):
    action = [0.1] * 4
    action[where] = bad
    with pytest.raises(CommandRefused, match="is not finite") as refused:
        go(action, chain())
    assert refused.value.stage == Stage.FINITE


@pytest.mark.parametrize("size", [0, 3, 5])
def test_another_number_of_dimensions_is_refused(size):
    with pytest.raises(CommandRefused, match=rf"action of shape \({size},\), expected \(4,\)"):
        go([0.0] * size, chain())


def test_an_action_of_one_is_not_clipped_and_beyond_it_is():
    assert go([1.0, -1.0, 0.0, 1.0], chain()).clippings == frozenset()
    result = go([1.0 + 1e-6, 0.0, 0.0, -7.0], chain())
    assert result.clippings == {Stage.CLIP}
    assert result.values.tolist() == [1.0, 0.0, 0.0, -1.0]
    assert result.target.position[0] == pytest.approx(0.52) and result.gripper == -0.02


def test_the_step_limit_shortens_and_keeps_the_direction():
    by = chain(step=reach(0.05), scale=(0.06, 0.08, 0.02, 1.0))  # 0.06, 0.08: a step of 0.1 m
    result = go([1.0, 1.0, 0.0, 0.0], by)
    np.testing.assert_allclose(result.target.position, [0.53, 0.04, 0.1], atol=1e-12)
    assert result.clippings == {Stage.STEP}
    exact = go([0.5, 0.5, 0.0, 0.0], by)  # exactly 0.05 m
    assert exact.clippings == frozenset()


def test_the_step_limit_counts_rotation_apart_from_translation():
    by = chain(XYZ_YAW, scale=(0.02, 0.02, 0.02, 0.4), step=reach(1.0, 0.1))
    result = go([1.0, 0.0, 0.0, 1.0], by)
    assert angle(result.target, CENTRE) == pytest.approx(0.1, abs=1e-9)
    assert result.target.position[0] == pytest.approx(0.52) and result.clippings == {Stage.STEP}


def test_the_box_stops_a_target_at_its_wall():
    at_wall = Pose.facing_down((0.7, 0.0, 0.03), 0.0)
    assert go([0.0, 1.0, 0.0, 0.0], chain(), at_wall, at_wall).clippings == frozenset()
    result = go([1.0, 0.5, -1.0, 0.0], chain(), at_wall, at_wall)
    np.testing.assert_allclose(result.target.position, [0.7, 0.01, 0.02], atol=1e-12)
    assert result.clippings == {Stage.WORKSPACE}


def test_out_of_the_box_one_may_come_in_but_go_no_further_out():
    outside = Pose.facing_down((0.75, 0.0, 0.1), 0.0)
    assert go([1.0, 0.0, 0.0, 0.0], chain(), outside, outside).target.position[0] == 0.75
    inwards = go([-1.0, 0.0, 0.0, 0.0], chain(), outside, outside)
    assert inwards.target.position[0] == pytest.approx(0.73) and inwards.clippings == frozenset()
    lagging = go([1.0, 0.0, 0.0, 0.0], chain(), inwards.target, outside)
    assert lagging.target.position[0] == pytest.approx(0.73), "the way back in is one way"
    held = go([0.0] * 4, chain(), outside, outside)
    assert held.target.position[0] == 0.75 and held.clippings == frozenset()


def test_a_target_out_of_the_box_that_the_arm_has_left_is_taken_into_it():
    outside = Pose.facing_down((0.72, 0.0, 0.1), 0.0)
    inside = Pose.facing_down((0.69, 0.0, 0.1), 0.0)
    assert go([0.0] * 4, chain(), outside, inside).target.position[0] == 0.7


def test_a_box_without_extent_is_a_limit():
    flat = Workspace(lower=(0.3, -0.3, 0.1), upper=(0.7, 0.3, 0.1))
    result = go([0.0, 0.0, 1.0, 0.0], chain(box=flat))
    assert result.target.position[2] == 0.1 and result.clippings == {Stage.WORKSPACE}


def test_the_leash_pulls_a_target_back_to_the_arm():
    far = Pose.facing_down((0.5, 0.0, 0.2), 0.0)
    result = go([0.0] * 4, chain(leash=reach(0.03)), commanded=far)
    np.testing.assert_allclose(result.target.position, [0.5, 0.0, 0.13], atol=1e-12)
    assert result.clippings == {Stage.LEASH}
    near = Pose(np.array([0.5, 0.0, 0.1 + 0.03 - 1e-12]), CENTRE.quaternion)
    assert go([0.0] * 4, chain(leash=reach(0.03)), commanded=near).clippings == frozenset()


def test_the_leash_pulls_an_orientation_back_to_the_arm():
    turned = Pose.facing_down(CENTRE.position, 0.5)
    result = go([0.0] * 4, chain(leash=reach(1.0, 0.2)), commanded=turned)
    assert angle(result.target, Pose.facing_down(CENTRE.position, 0.2)) < 1e-7
    assert result.clippings == {Stage.LEASH}


def test_a_blocked_arm_winds_nothing_up():
    """However long one pushes against a wall, one step back takes the target off it."""
    by, state = chain(leash=reach(0.03)), ChainState(CENTRE)
    for _ in range(50):
        state = step(state, np.array([1.0, 0.0, 0.0, 0.0]), CENTRE, by).state
    assert state.commanded.position[0] == pytest.approx(0.53)
    back = step(state, np.array([-1.0, 0.0, 0.0, 0.0]), CENTRE, by)
    assert back.target.position[0] == pytest.approx(0.51)


def test_an_arm_that_sags_does_not_drift():
    """5 mm below its target at all times: a chain that integrated the measured pose would sink on and on."""
    by, state = chain(leash=reach(0.03)), ChainState(CENTRE)
    for _ in range(100):
        sagging = Pose(state.commanded.position - [0.0, 0.0, 0.005], CENTRE.quaternion)
        state = step(state, np.zeros(4), sagging, by).state
    np.testing.assert_array_equal(state.commanded.position, CENTRE.position)


def test_the_speed_cap_is_per_second():
    for period, moved in ((0.2, 0.02), (0.02, 0.002)):
        result = go([1.0, 0.0, 0.0, 0.0], chain(scale=(0.05,) * 4, speed=reach(0.1), period=period))
        assert result.target.position[0] == pytest.approx(0.5 + moved, abs=1e-12)
        assert result.clippings == {Stage.SPEED}


def test_the_speed_cap_counts_rotation_too():
    by = chain(XYZ_YAW, scale=(0.02, 0.02, 0.02, 0.4), speed=reach(1.0, 0.5))
    assert angle(go([0.0, 0.0, 0.0, 1.0], by).target, CENTRE) == pytest.approx(0.1, abs=1e-9)


def test_a_pull_by_the_leash_does_not_count_as_speed():
    """The arm was pushed 10 cm away: the target follows it at once, or it would be out of the leash."""
    far = Pose.facing_down((0.4, 0.0, 0.1), 0.0)
    result = go([0.0] * 4, chain(leash=reach(0.03), speed=reach(0.01)), commanded=far)
    assert result.target.position[0] == pytest.approx(0.47) and result.clippings == {Stage.LEASH}


@pytest.mark.parametrize("limit", ["step", "leash", "speed"])
def test_a_limit_of_zero_means_do_not_move(limit):
    by = chain(XYZ_YAW, scale=(0.02, 0.02, 0.02, 0.4), **{limit: reach(0.0, 0.0)})
    state = ChainState(CENTRE)
    for _ in range(5):
        result = step(state, np.ones(4), CENTRE, by)
        np.testing.assert_array_equal(result.target.position, CENTRE.position)
        assert angle(result.target, CENTRE) == 0.0
        assert result.clippings == {Stage(limit)}
        state = result.state


def test_a_rotation_limit_of_zero_does_not_hold_up_a_translation():
    by = chain(step=reach(0.05), leash=reach(0.03), speed=reach(0.15))
    result = go([1.0, 0.0, 0.0, 0.0], by)
    assert result.target.position[0] == pytest.approx(0.52) and result.clippings == frozenset()


def test_the_stages_come_in_their_order():
    """Each bound is met by what the stage before left over; in any other order the numbers differ.

    x: action 3 → clip 1 → scale 0.4 m → step 0.3 m → box wall at 0.7 (0.2 m) → leash 0.15 m → speed 0.1 m.
    y: action 0.75 → 0.3 m: with x a step of 0.5 m, shortened by 3/5 to (0.24, 0.18) m.
    """
    limits = {"step": reach(0.3), "leash": reach(0.15), "speed": reach(0.5)}
    action, scale = [3.0, 0.75, 0.0, 0.0], (0.4, 0.4, 0.4, 1.0)
    assert list(Stage) == ["finite", "clip", "step", "workspace", "leash", "speed"]
    moved = {}
    for last in ("step", "leash", "speed"):
        given = {name: limits[name] for name in list(limits)[: list(limits).index(last) + 1]}
        result = go(action, chain(scale=scale, **given))
        moved[last] = result.target.position[:2] - CENTRE.position[:2]
    boxed = np.array([0.2, 0.18])
    np.testing.assert_allclose(moved["step"], boxed, atol=1e-7)
    np.testing.assert_allclose(moved["leash"], boxed / np.linalg.norm(boxed) * 0.15, atol=1e-7)
    np.testing.assert_allclose(moved["speed"], boxed / np.linalg.norm(boxed) * 0.1, atol=1e-7)
    assert result.clippings == {Stage.CLIP, Stage.STEP, Stage.WORKSPACE, Stage.LEASH, Stage.SPEED}


@pytest.mark.parametrize(
    ("quaternion", "says"),
    [
        ([0.0, 0.0, 0.0, 0.0], "has length 0, expected 1"),
        ([0.0, 0.0, 0.0, 2.0], "has length 2, expected 1"),
        ([0.0, 0.0, 0.0, 0.99], "has length 0.99, expected 1"),
        ([math.nan, 0.0, 0.0, 1.0], "expected 4 finite numbers"),
        ([0.0, 0.0, 1.0], "expected 4 finite numbers"),
    ],
)
def test_a_quaternion_that_is_none_never_gets_into_the_chain(quaternion, says):
    with pytest.raises(ValueError, match=says):
        ChainState(Pose(CENTRE.position, quaternion))


def test_a_quaternion_and_its_negative_are_the_same_orientation():
    measured = Pose(CENTRE.position, -CENTRE.quaternion)
    result = go([0.0] * 4, chain(leash=reach(1.0, 0.1)), measured=measured)
    assert angle(result.target, CENTRE) == 0.0 and result.clippings == frozenset()


# Settings from a task.


def test_a_tasks_action_says_what_moves():
    spec = load_task("BoundedPush")
    by = ChainSettings.of(spec.action, spec.workspace, spec.control_rate_hz, chain().control)
    assert by.axes == XYZ_GRIPPER and by.scale == (0.02, 0.02, 0.02, 1.0) and by.period == 0.025


@pytest.mark.parametrize("rate", [2.0, 5.0, 20.0, 50.0])
def test_at_another_rate_the_speeds_are_the_same(rate):
    limits = {"step": reach(0.05, 0.2), "leash": reach(0.03, 0.2), "speed": reach(0.15, 0.5)}
    by = chain(XYZ_YAW, scale=(0.02, 0.03, 0.04, 0.1), **limits).at(rate)
    assert by.period == pytest.approx(1.0 / rate)
    assert np.array(by.scale) * rate == pytest.approx(
        [0.1, 0.15, 0.2, 0.5]
    )  # the 5 Hz of `chain` times scale
    assert by.control.step.translation * rate == pytest.approx(0.25)
    assert by.control.step.rotation * rate == pytest.approx(1.0)
    assert by.control.leash == limits["leash"] and by.control.speed == limits["speed"]
    far = go([1.0, 1.0, 1.0, 0.0], by).target
    assert apart(far, CENTRE) == pytest.approx(min(0.15 / rate, 0.03))


def test_the_grippers_share_is_no_way_and_keeps_its_scale_at_another_rate():
    assert chain(scale=(0.02, 0.02, 0.02, 0.5)).at(50.0).scale == pytest.approx((0.002, 0.002, 0.002, 0.5))


@pytest.mark.parametrize(
    ("name", "unit", "axis"),
    [("finger_dy", "m", Axis.Y), ("hand_dyaw", "rad", Axis.YAW), ("yaw", "rad", Axis.YAW)],
)
def test_an_action_is_known_by_the_end_of_its_name(name, unit, axis):
    field = ActionField(name=name, scale=0.1, unit=unit)
    assert ChainSettings.of((field,), BOX, 5.0, chain().control).axes == (axis,)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("hand_dyow", "rad")], "action 'hand_dyow' names nothing that an arm moves; the nearest is 'yaw'"),
        ([("hand_dx", "mm")], "action 'hand_dx' has unit 'mm', expected 'm'"),
        ([("hand_dx", "m"), ("finger_dx", "m")], "axes x, x: one stands there twice"),
    ],
)
def test_an_action_that_cannot_be_is_an_error(fields, says):
    action = tuple(ActionField(name=name, scale=0.1, unit=unit) for name, unit in fields)
    with pytest.raises(ValueError, match=says):
        ChainSettings.of(action, BOX, 5.0, chain().control)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scale": (0.1,)}, "4 axes, but 1 scales"),
        ({"scale": (0.1, 0.1, math.nan, 1.0)}, "expected finite numbers"),
        ({"period": 0.0}, "control period 0.0 s: expected more than 0"),
        ({"period": math.inf}, "control period inf s"),
        (
            {"control": chain().control.model_copy(update={"leash": reach(0.1, 1.6)})},
            "expected less than pi/2",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_an_error(changes, says):
    with pytest.raises(ValueError, match=says):
        replace(chain(), **changes)


# Whatever comes in.

near_zero = st.sampled_from([0.0, 1e-300, 1e-9])
bound = st.one_of(near_zero, st.floats(0.0, 0.3))
number = st.floats(allow_nan=True, allow_infinity=True, width=32)


@st.composite
def poses(draw, inside: bool = False):
    low, high = (BOX.lower, BOX.upper) if inside else ((-1.0,) * 3, (1.0,) * 3)
    position = [draw(st.floats(a, b)) for a, b in zip(low, high, strict=True)]
    quaternion = np.array([draw(st.floats(-1.0, 1.0)) for _ in range(4)])
    assume(np.linalg.norm(quaternion) > 1e-3)
    return Pose(np.array(position), quaternion / np.linalg.norm(quaternion))


@st.composite
def chains(draw):
    axes = draw(st.permutations(list(Axis)))[: draw(st.integers(1, 7))]
    scale = tuple(draw(st.floats(0.0, 1.0)) for _ in axes)
    limits = {name: reach(draw(bound), draw(bound)) for name in ("step", "leash", "speed")}
    return chain(tuple(axes), scale, period=draw(st.sampled_from([0.02, 0.2])), **limits)


@st.composite
def commands(draw, entry=number, inside: bool = False):
    by = draw(chains())
    action = np.array([draw(entry) for _ in by.axes], np.float32)
    return by, action, draw(poses()), draw(poses(inside=inside))


@given(commands())
@settings(max_examples=150, deadline=None)
def test_nothing_that_is_not_finite_passes_and_the_leash_holds(command):
    by, action, commanded, measured = command
    if not np.isfinite(action).all():
        with pytest.raises(CommandRefused):
            step(ChainState(commanded), action, measured, by)
        return
    result = step(ChainState(commanded), action, measured, by)
    target = result.target
    assert np.isfinite(target.position).all() and np.linalg.norm(target.quaternion) == pytest.approx(1.0)
    assert (np.abs(result.values) <= 1.0).all()
    assert apart(target, measured) <= by.control.leash.translation + 1e-12
    assert angle(target, measured) <= by.control.leash.rotation + 1e-7
    assert (Stage.CLIP in result.clippings) == bool((np.abs(action) > 1.0).any())
    assert Stage.FINITE not in result.clippings


@given(commands(st.floats(-2.0, 2.0, width=32), inside=True))
@settings(max_examples=150, deadline=None)
def test_with_the_arm_in_the_box_the_target_is_in_it(command):
    by, action, commanded, measured = command
    target = step(ChainState(commanded), action, measured, by).target
    assert (target.position >= BOX.lower).all() and (target.position <= BOX.upper).all()


@given(commands(st.floats(-2.0, 2.0, width=32)))
@settings(max_examples=150, deadline=None)
def test_no_target_is_farther_from_the_pose_to_hold_than_speed_and_step_allow(command):
    by, action, commanded, measured = command
    held = step(ChainState(commanded), np.zeros_like(action), measured, by)
    moved = step(ChainState(commanded), action, measured, by)
    assert Stage.SPEED not in held.clippings and Stage.STEP not in held.clippings
    for far, speed, most in (
        (apart(moved.target, held.target), by.control.speed.translation, by.control.step.translation),
        (angle(moved.target, held.target), by.control.speed.rotation, math.inf),
    ):
        assert far <= min(speed * by.period, most) + 1e-7


@given(chains(), poses(inside=True))
@settings(max_examples=100, deadline=None)
def test_zeros_hold_an_arm_where_it_was_commanded(by, pose):
    result = step(ChainState(pose), np.zeros(len(by.axes)), pose, by)
    np.testing.assert_array_equal(result.target.position, pose.position)
    assert angle(result.target, pose) < 1e-9 and result.clippings == frozenset()


@given(commands(st.floats(-1.0, 1.0, width=32)))
@settings(max_examples=100, deadline=None)
def test_what_is_within_every_limit_is_not_changed(command):
    """A command made again from its own result, with nothing asked, stays as it is."""
    by, action, commanded, measured = command
    first = step(ChainState(commanded), action, measured, by)
    again = step(first.state, np.zeros_like(action), first.target, by)
    np.testing.assert_array_equal(again.target.position, first.target.position)
    assert angle(again.target, first.target) < 1e-9
