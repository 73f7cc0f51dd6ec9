"""A D435 that exists only in librealsense's memory: the real library, no hardware."""

import time

import numpy as np

from perception.cameras.librealsense import librealsense

WIDTH, HEIGHT, RATE = 640, 480, 30
DEPTH_FOCAL, COLOUR_FOCAL = 385.0, 615.0


class SoftwareD435:
    """Two streams in a context of their own; `unplug` and `plug` change what the context lists."""

    def __init__(self, serial="SIM000001", depth_unit=0.001, colour_focal=COLOUR_FOCAL, bend=0.0):
        self.rs = librealsense()
        self.serial, self.depth_unit, self.colour_focal = serial, depth_unit, colour_focal
        self.bend = bend
        self.domain = self.rs.timestamp_domain.system_time
        self.number = 0
        self.plug()

    def plug(self):
        rs = self.rs
        self.device = device = rs.software_device()
        for key, value in (
            ("name", "Intel RealSense D435"),
            ("serial_number", self.serial),
            ("product_line", "D400"),
            ("product_id", "0B07"),
        ):
            device.register_info(getattr(rs.camera_info, key), value)
        self.sensors = [device.add_sensor(name) for name in ("Stereo Module", "RGB Camera")]
        self.profiles = [
            self._stream(self.sensors[0], rs.stream.depth, 1, 2, rs.format.z16, DEPTH_FOCAL, 320.0, 240.0),
            self._stream(
                self.sensors[1], rs.stream.color, 2, 3, rs.format.bgr8, self.colour_focal, 322.0, 242.0
            ),
        ]
        self.sensors[0].add_read_only_option(rs.option.depth_units, self.depth_unit)
        self.sensors[0].add_read_only_option(rs.option.stereo_baseline, 50.0)
        same_place = rs.extrinsics()
        same_place.rotation, same_place.translation = [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0], [0.0, 0.0, 0.0]
        self.profiles[0].register_extrinsics_to(self.profiles[1], same_place)
        for sensor in self.sensors:
            sensor.set_metadata(rs.frame_metadata_value.actual_fps, RATE * 1000)
        device.create_matcher(rs.matchers.dlr_c)
        self.context = rs.context()
        # Whoever holds this list keeps the device alive: the context itself does not.
        self._keep = []
        self.context.set_devices_changed_callback(lambda info: self._keep.append(info.get_new_devices()))
        device.add_to(self.context)
        deadline = time.monotonic() + 2.0
        while len(self.context.query_devices()) == 0:
            assert time.monotonic() < deadline, "the software device does not show"
            time.sleep(0.005)

    def unplug(self):
        self.context = self.rs.context()

    def _stream(self, sensor, kind, uid, size, fmt, focal, cx, cy):
        rs = self.rs
        stream, intrinsics = rs.video_stream(), rs.intrinsics()
        intrinsics.width, intrinsics.height = WIDTH, HEIGHT
        intrinsics.fx = intrinsics.fy = focal
        intrinsics.ppx, intrinsics.ppy = cx, cy
        intrinsics.model = rs.distortion.brown_conrady
        intrinsics.coeffs = [self.bend if uid == 2 else 0.0, 0.0, 0.0, 0.0, 0.0]
        stream.type, stream.index, stream.uid = kind, 0, uid
        stream.width, stream.height, stream.fps, stream.bpp = WIDTH, HEIGHT, RATE, size
        stream.fmt, stream.intrinsics = fmt, intrinsics
        return sensor.add_video_stream(stream, True).as_video_stream_profile()

    def push(self, colour, depth_raw, stamp):
        """Depth in raw units; stamp in seconds."""
        rs = self.rs
        self.number += 1
        for sensor, profile, pixels, size in (
            (self.sensors[0], self.profiles[0], depth_raw.astype(np.uint16), 2),
            (self.sensors[1], self.profiles[1], colour, 3),
        ):
            frame = rs.software_video_frame()
            frame.stride, frame.bpp = WIDTH * size, size
            frame.pixels = np.ascontiguousarray(pixels)
            frame.timestamp, frame.domain = stamp * 1e3, self.domain
            frame.frame_number, frame.profile = self.number, profile
            if size == 2:
                frame.depth_units = self.depth_unit
            sensor.on_video_frame(frame)


def grey(level=128):
    """A picture with colour in it, so that it is no infrared picture."""
    picture = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    picture[200:280, 280:360] = (0, 0, 200)
    return picture


def depth_of(millimetres):
    return np.full((HEIGHT, WIDTH), millimetres, np.uint16)
