"""The puck of the two pushing tasks."""

from failurebench.franka.rules import PUCK_RADIUS
from failurebench.franka.scene import Contact, finger_contacts

PUCK_HEIGHT = 0.02
"""Half of it: where the centre of a lying puck is, metres."""
_ON_TABLE = 0.3
_AT_FINGER = 0.2

PUCK_CONTACTS = (Contact("puck", "table", _ON_TABLE), *finger_contacts("puck", _AT_FINGER))


def puck_xml(radius: float = PUCK_RADIUS) -> str:
    """Return the puck and the mark of its goal."""
    return (
        f'<body name="puck" pos=".4 0 {PUCK_HEIGHT}"><freejoint/>'
        f'<geom name="puck" type="cylinder" size="{radius} {PUCK_HEIGHT}" mass=".12" '
        f'rgba=".1 .3 .85 1"/></body>'
        f'<body name="goal" mocap="true" pos=".6 0 .0005">'
        f'<geom type="cylinder" size="{radius} .0005" rgba=".15 .65 .25 1"/></body>'
    )
