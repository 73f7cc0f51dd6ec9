"""Every job that can be launched, and its arguments."""

from __future__ import annotations

from collections.abc import Mapping

from farl_ros.graph import FINETUNE_ARGUMENTS, OFFLINE_ARGUMENTS, PERCEIVE_ARGUMENTS, LaunchArgument
from farl_ros.record_graph import RECORD_ARGUMENTS
from farl_ros.replay_graph import REPLAY_ARGUMENTS

ARGUMENTS: Mapping[str, tuple[LaunchArgument, ...]] = {
    "finetune": FINETUNE_ARGUMENTS,
    "perceive": PERCEIVE_ARGUMENTS,
    "offline": OFFLINE_ARGUMENTS,
    "record": RECORD_ARGUMENTS,
    "replay": REPLAY_ARGUMENTS,
}
