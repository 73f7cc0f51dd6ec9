"""FailureBench: manipulation tasks in which a failure needs a person.

Importing this package registers the Gymnasium ids ``FailureBench/<Task>-v0``, and for the tasks on the
Sawyer's table ``FailureBench/<Task>-hard-v0``: random layouts, tighter limits or true contact, no action
repeat, and a failure ends the episode. The import is light: MuJoCo and Meta-World are loaded only when a task
that needs them is made.
"""

import gymnasium

_ENTRY_POINTS = {
    "BoundedPush": "failurebench.bounded_push:BoundedPush",
    "BoundedSoccer": "failurebench.bounded_soccer:BoundedSoccer",
    "FragilePushWall": "failurebench.fragile_push_wall:FragilePushWall",
    "ObstructedPush": "failurebench.obstructed_push:ObstructedPush",
    "DiscTable": "failurebench.disc_table:DiscTable",
    "FrankaFragilePushWall": "failurebench.franka.fragile_push_wall:FrankaFragilePushWall",
    "FrankaDisturbedPush": "failurebench.franka.disturbed_push:FrankaDisturbedPush",
    "FrankaBoundedSoccer": "failurebench.franka.bounded_soccer:FrankaBoundedSoccer",
}
_HARD_RULES = {"horizon": 500, "action_repeat": 1, "end_on_failure": True, "randomize": True}
_HARD_LIMITS: dict[str, dict[str, object]] = {
    "BoundedPush": {"x_limit": 0.13, "y_limit": 0.55, "far_limit": 0.95},
    "BoundedSoccer": {"x_limit": 0.15, "y_limit": 0.55, "far_limit": 0.95},
    "FragilePushWall": {"true_contact": True},
}


def _register(environment_id: str, entry_point: str, **arguments: object) -> None:
    if environment_id not in gymnasium.registry:
        gymnasium.register(id=environment_id, entry_point=entry_point, kwargs=arguments)


for _task, _entry_point in _ENTRY_POINTS.items():
    _register(f"FailureBench/{_task}-v0", _entry_point)
for _task, _limits in _HARD_LIMITS.items():
    _register(f"FailureBench/{_task}-hard-v0", _ENTRY_POINTS[_task], **_HARD_RULES, **_limits)
_register("FailureBench/ObstructedPush-hard-v0", "failurebench.solid_vase_push:SolidVasePush", **_HARD_RULES)
