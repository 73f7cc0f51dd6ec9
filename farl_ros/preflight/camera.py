"""The camera: is its library there, and is one plugged in?"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from farl_ros.preflight.outcome import Check, Outcome

BROKEN = "librealsense"
"""What an error begins with that an installed librealsense raised."""


@dataclass(frozen=True, slots=True)
class CameraDevice:
    """One camera that is plugged in; ``usb`` is the version of its connection."""

    name: str
    serial: str
    usb: str


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What librealsense sees.

    Attributes:
        devices: The cameras; None without a library that works.
        error: Why there is none.
    """

    devices: tuple[CameraDevice, ...] | None
    error: str = ""


def probe_camera() -> CameraFacts:
    """Ask librealsense, if it is installed."""
    try:
        realsense = importlib.import_module("pyrealsense2")
    except ImportError as error:
        return CameraFacts(None, str(error))
    info = realsense.camera_info
    wanted = (info.name, info.serial_number, info.usb_type_descriptor)
    try:
        devices = tuple(
            CameraDevice(*(device.get_info(entry) if device.supports(entry) else "?" for entry in wanted))
            for device in realsense.context().query_devices()
        )
    except RuntimeError as error:
        return CameraFacts(None, f"{BROKEN}: {error}")
    return CameraFacts(devices)


def check_camera(facts: CameraFacts) -> Check:
    """One camera, fast enough for colour and depth at 30 Hz."""
    if facts.devices is None:
        return Check("camera", Outcome.FAIL, facts.error, _to_do(facts.error))
    if not facts.devices:
        to_do = "plug a RealSense camera into a USB 3 port; on Linux install librealsense's udev rules"
        return Check("camera", Outcome.FAIL, "no RealSense camera", to_do)
    found = ", ".join(f"{device.name} {device.serial} (USB {device.usb})" for device in facts.devices)
    if any(device.usb.startswith("2") for device in facts.devices):
        return Check("camera", Outcome.WARN, found, "use a USB 3 port and cable: USB 2 halves the frame rate")
    return Check("camera", Outcome.PASS, found)


def _to_do(error: str) -> str:
    """What helps where librealsense does not work."""
    again = "plug the camera in again"
    if "libusb" in error:
        return f"sudo apt install libusb-1.0-0; then {again}"
    return again if error.startswith(BROKEN) else f"pip install pyrealsense2; then {again}"
