"""A table with the Panda and a task's objects, as one MuJoCo model."""

from dataclasses import dataclass, field

import mujoco

from failurebench.franka.panda_model import actuator_xml, arm_xml

TIME_STEP = 0.004
"""Physics step, seconds."""

_STIFF = 2 * TIME_STEP
"""Time constant of rolling friction, seconds: the least that is stable. MuJoCo's friction creeps; with this a
third as fast as with the default."""

CAMERA = "d435"
_CAMERA_POSITION = "0.95 0 0.95"
_CAMERA_AXES = "0 1 0 -0.9 0 0.43"
"""Image right and image up in the base frame: the camera looks back at the robot and down on the table, so
steeply that the hand hides little of what lies behind it."""
_CAMERA_FOVY = 42.5
"""Vertical field of view of the D435's colour camera, degrees (data sheet: 69.4 by 42.5)."""


@dataclass(frozen=True)
class Contact:
    """Two geoms that touch each other; no others do.

    Attributes:
        first: Name of one geom.
        second: Name of the other.
        slide: Coefficient of sliding friction.
        roll: Rolling resistance, metres (times normal force gives a torque); None: the contact has none.
    """

    first: str
    second: str
    slide: float
    roll: float | None = None

    def xml(self) -> str:
        """The pair element."""
        roll = 0.0001 if self.roll is None else self.roll
        size = 3 if self.roll is None else 6
        friction = f"{self.slide} {self.slide} 0.001 {roll} {roll}"
        stiff = "" if self.roll is None else f' solreffriction="{_STIFF} 1"'
        return (
            f'<pair geom1="{self.first}" geom2="{self.second}" condim="{size}" friction="{friction}"{stiff}/>'
        )


@dataclass(frozen=True)
class Scene:
    """What a task puts on the table.

    Attributes:
        bodies: Elements of the world body, besides arm and table. The manipulated object comes first, and
            alone has joints (one free joint).
        contacts: The contacts.
        table_colour: Colour of the table, r g b a.
    """

    bodies: str
    contacts: tuple[Contact, ...] = field(default=())
    table_colour: str = ".55 .43 .33 1"

    def compile(self) -> mujoco.MjModel:
        """Build the model."""
        return mujoco.MjModel.from_xml_string(self.xml())

    def xml(self) -> str:
        """The model's text."""
        return f"""<mujoco model="franka_table">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{TIME_STEP}" integrator="implicitfast" cone="elliptic" impratio="5"/>
  <visual><global offwidth="640" offheight="480"/><map znear="0.02"/><quality shadowsize="2048"/></visual>
  <default>
    <geom contype="0" conaffinity="0"/>
    <default class="arm"><geom rgba=".92 .92 .93 1"/></default>
    <default class="palm"><geom rgba=".85 .85 .87 1"/></default>
    <default class="finger"><geom rgba=".2 .2 .22 1"/></default>
  </default>
  <asset>
    <texture name="sky" type="skybox" builtin="gradient" rgb1=".75 .78 .82" rgb2=".4 .42 .45"
      width="64" height="64"/>
  </asset>
  <worldbody>
    <light pos=".4 .4 1.6" dir="0 -.2 -1" diffuse=".6 .6 .6"/>
    <light pos=".9 -.6 1.4" dir="-.3 .4 -1" diffuse=".3 .3 .3" castshadow="false"/>
    <camera name="{CAMERA}" pos="{_CAMERA_POSITION}" xyaxes="{_CAMERA_AXES}" fovy="{_CAMERA_FOVY}"/>
    <geom name="table" type="plane" pos=".35 0 0" size=".6 .6 .1" rgba="{self.table_colour}"/>
    {arm_xml()}
    {self.bodies}
  </worldbody>
  <contact>{"".join(contact.xml() for contact in self.contacts)}</contact>
  {actuator_xml()}
</mujoco>"""


def finger_contacts(geom: str, slide: float) -> tuple[Contact, ...]:
    """Return the contacts of both fingers with a geom."""
    return tuple(Contact(f"finger{i}", geom, slide) for i in range(2))
