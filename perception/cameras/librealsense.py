"""Loads pyrealsense2, with the USB library that its wheel leaves to the system."""

from __future__ import annotations

import ctypes
import importlib
import os
from functools import cache
from typing import Any

from perception.cameras.camera import CameraError


@cache
def librealsense() -> Any:  # noqa: ANN401 - the module has no types
    """Import pyrealsense2; its usage report stays on this machine.

    Raises:
        CameraError: It is not installed, or cannot be loaded.
    """
    os.environ.setdefault("RS2_RUM_CLOUD_ENABLED", "0")
    try:
        return importlib.import_module("pyrealsense2")
    except ModuleNotFoundError as error:
        raise CameraError(
            "RealSense cameras need pyrealsense2: pip install -r requirements/perception.txt"
        ) from error
    except ImportError as error:
        if "libusb" not in str(error):
            raise CameraError(f"pyrealsense2 cannot be loaded: {error}") from error
    try:
        usb = importlib.import_module("libusb_package")
        ctypes.CDLL(str(usb.get_library_path()), mode=ctypes.RTLD_GLOBAL)
        return importlib.import_module("pyrealsense2")
    except (ImportError, OSError) as error:
        raise CameraError(
            "pyrealsense2 needs libusb-1.0: apt-get install libusb-1.0-0, or pip install libusb-package "
            f"({error})"
        ) from error
