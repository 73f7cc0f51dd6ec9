"""What the recording benchmark measures: a process that records beside one that publishes like a graph."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rclpy
from farl_interfaces.msg import Action, ArmState, EpisodeEvent, ShieldDecision, State, Transition
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from farl.types import EpisodeKind
from farl_ros import qos
from farl_ros.bags import read_bag
from farl_ros.conversions import floats, time_of
from farl_ros.messages import Topic
from farl_ros.nodes.common import FarlNode
from farl_ros.nodes.listening import PROPOSED, Pictures, mark_of, record, record_proposals
from farl_ros.nodes.running import low_latency
from farl_ros.recording import Recorder
from farl_ros.sight.images import colour_message
from farl_ros.task_spec import load_task

TASK, RATE, WIDTH, HEIGHT, QUALITY = "FrankaFragilePushWall", 30.0, 640, 480, 90
COLOUR = "camera/color/image_raw"
DOMAIN = "77"
RETRANSMISSION_S = 4.0
"""What pictures have pushed out of the sockets' buffers is sent again within this time [s]."""
DRIVER = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""What realsense2_camera offers by default."""


@dataclass(frozen=True)
class Row:
    """One measurement."""

    what: str
    cpu_percent: float
    messages: int
    dropped: int
    megabytes_per_minute: float


def picture() -> np.ndarray:
    """A table with things on it and a camera's noise: JPEG works as hard on it as on a real picture."""
    random = np.random.default_rng(0)
    scene = np.full((HEIGHT, WIDTH, 3), (150, 160, 170), np.uint8)
    for _ in range(25):
        corner = random.integers(0, (WIDTH, HEIGHT))
        colour = tuple(int(c) for c in random.integers(0, 255, 3))
        cv2.rectangle(scene, corner, corner + random.integers(20, 120, 2), colour, -1)
    noise = random.normal(0.0, 1.5, scene.shape)
    return np.clip(cv2.GaussianBlur(scene, (5, 5), 0) + noise, 0, 255).astype(np.uint8)


def publish(seconds: float, pictures: bool) -> None:
    """Be the graph: one episode of that length."""
    rclpy.init(args=[])
    node, spec = Node("graph"), load_task(TASK)
    events = node.create_publisher(EpisodeEvent, "episode_event", qos.EVENTS)
    topics = {"state": State, PROPOSED: Action, "decision": ShieldDecision, "transition": Transition,
              "arm_state": ArmState}  # fmt: skip
    publishers = {name: node.create_publisher(kind, name, qos.STREAM) for name, kind in topics.items()}
    images = node.create_publisher(Image, COLOUR, DRIVER)
    while not publishers["state"].get_subscription_count() or not events.get_subscription_count():
        time.sleep(0.05)
    while pictures and not images.get_subscription_count():
        time.sleep(0.05)
    time.sleep(0.5)
    shown, observation = picture(), floats(np.zeros(spec.observation_size, np.float32))
    begin = time.time_ns()
    for tick in range(round(seconds * RATE)):
        time.sleep(max(0.0, (begin + tick * 1e9 / RATE - time.time_ns()) * 1e-9))
        stamp = time_of(time.time_ns())
        if tick == 0:
            started = EpisodeEvent(event=EpisodeEvent.STARTED)
            started.header.stamp = stamp
            events.publish(started)
        messages = {
            "state": State(observation=observation),
            "transition": Transition(observation=observation),
        }
        for name, publisher in publishers.items():
            message = messages.get(name, topics[name]())
            message.header.stamp = stamp
            publisher.publish(message)
        if pictures:
            images.publish(colour_message(np.roll(shown, tick, axis=1), stamp, "camera"))
    time.sleep(RETRANSMISSION_S)
    rclpy.shutdown()


def measure(seconds: float, pictures: bool) -> Row:
    """Record one episode of that length."""
    with tempfile.TemporaryDirectory() as folder:
        rclpy.init(args=[])
        node, spec = FarlNode("session", []), load_task(TASK)
        writer = Recorder(
            spec, Path(folder), EpisodeKind.TASK, wall_clock=True, quality=QUALITY, durable=True
        )
        record(node, writer)
        record_proposals(node, writer)
        eyes = Pictures(node, writer, COLOUR)
        begun: list[float] = []

        def on_event(payload: bytes) -> None:
            writer.put(Topic.EPISODE_EVENT, payload, mark_of(payload))
            begun.append(time.process_time())

        node.create_subscription(EpisodeEvent, "episode_event", on_event, qos.EVENTS, raw=True)
        executor = EventsExecutor()
        executor.add_node(node)
        command = [sys.executable, "-m", "tests.farl_ros.recording_load", str(seconds)]
        child = subprocess.Popen([*command, *(["pictures"] if pictures else [])])
        with low_latency():
            while child.poll() is None:
                if pictures:
                    eyes.look()
                executor.spin_until_future_complete(rclpy.task.Future(), 0.05)
        if child.returncode != 0:
            raise RuntimeError("the process that publishes has ended; it said why")
        cpu = (time.process_time() - begun[0]) / seconds
        dropped = writer.dropped + writer.dropped_pictures
        writer.finish_episode({}).result()
        writer.close()
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
        (bag,) = Path(folder).iterdir()
        count = sum(len(topic.messages) for topic in read_bag(bag).recorded.values())
        expected = round(seconds * RATE) * (6 if pictures else 5) + 2  # the event, and what it is
        size = sum(file.stat().st_size for file in bag.iterdir()) / 1e6 * 60.0 / seconds
        assert not pictures or f"/{COLOUR}/compressed" in read_bag(bag).recorded
        what = f"5 streams at 30 Hz and {WIDTH}x{HEIGHT} pictures" if pictures else "5 streams at 30 Hz"
        return Row(what, 100.0 * cpu, count, max(dropped, expected - count), size)


def on_this_machine() -> None:
    """Let no other graph hear what is published here."""
    os.environ["ROS_DOMAIN_ID"] = DOMAIN
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    cv2.setNumThreads(1)


if __name__ == "__main__":
    on_this_machine()
    publish(float(sys.argv[1]), "pictures" in sys.argv)
