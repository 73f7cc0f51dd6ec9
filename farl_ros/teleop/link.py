"""Keeps hold of a device: lost means no reading, and it is opened again as soon as it is back."""

from __future__ import annotations

from farl_ros.teleop.device import Device, DeviceLost, Press, Reading

RETRY_S = 1.0
"""Between two tries to open a device that is gone [s]."""


class DeviceLink:
    """A device that may come and go; ``poll`` must be called often.

    Attributes:
        problem: Why there is no device; empty while there is one.
        losses: How often it was lost.
    """

    def __init__(self, device: Device) -> None:
        self.name, self._device = device.name, device
        self.problem, self.losses = "not opened yet", 0
        self._open = False
        self._try_at = float("-inf")
        self._reading: Reading | None = None

    @property
    def reading(self) -> Reading | None:
        """The newest reading; None while the device is gone."""
        return self._reading

    def poll(self, now: float) -> tuple[Press, ...]:
        """Read the device, or try to open it, at ``now`` (monotonic) [s]; returns what was pressed."""
        try:
            if not self._open:
                if now < self._try_at:
                    return ()
                self._try_at = now + RETRY_S
                self._device.open()
                self._open, self.problem = True, ""
            self._reading = self._device.read(now)
        except DeviceLost as error:
            self.losses += self._open
            self._open, self._reading, self.problem = False, None, str(error)
            self._device.close()
            return ()
        return self._reading.pressed

    def close(self) -> None:
        """Give the device back."""
        self._open, self._reading = False, None
        self._device.close()
