"""FailureBench: manipulation tasks in which a failure needs a person.

Importing this package registers the Gymnasium ids ``FailureBench/<Task>-v0``. The import is light: MuJoCo and
Meta-World are loaded only when a task that needs them is made.
"""

import gymnasium

_ENTRY_POINTS = {
    "FailureBench/BoundedPush-v0": "failurebench.bounded_push:BoundedPush",
    "FailureBench/DiscTable-v0": "failurebench.disc_table:DiscTable",
}

for _environment_id, _entry_point in _ENTRY_POINTS.items():
    if _environment_id not in gymnasium.registry:
        gymnasium.register(id=_environment_id, entry_point=_entry_point)
