"""Pictures on their way to a bag: ``sensor_msgs/Image`` becomes ``CompressedImage`` (JPEG), without ROS."""

from __future__ import annotations

import numpy as np

from farl_ros.messages import Message, typestore

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


class PictureError(ValueError):
    """A picture cannot be compressed; the message says what it is."""


def compressed(payload: bytes, quality: int) -> bytes:
    """A serialised ``Image`` as a serialised ``CompressedImage`` with the same header.

    Args:
        payload: CDR of the picture, bgr8 or rgb8.
        quality: Of the JPEG, 1 to 100.

    Raises:
        PictureError: It has another encoding, or its rows do not fit its size.
    """
    import cv2  # slow to import, and only needed where pictures are recorded

    store = typestore()
    image: Message = store.deserialize_cdr(payload, IMAGE)
    used = image.width * 3
    if image.encoding not in ("bgr8", "rgb8") or image.step < used:
        raise PictureError(
            f"expected pictures in bgr8 or rgb8, got {image.encoding!r}, {image.width} wide in rows of "
            f"{image.step} bytes: is it the colour topic?"
        )
    if len(image.data) != image.step * image.height:
        raise PictureError(f"{len(image.data)} bytes in {image.height} rows of {image.step}: damaged")
    rows = np.asarray(image.data).reshape(image.height, image.step)[:, :used]
    picture = rows.reshape(image.height, image.width, 3)
    if image.encoding == "rgb8":
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    if not done:
        raise PictureError(f"a picture of {image.width} x {image.height} could not be compressed")
    message = store.types[COMPRESSED](header=image.header, format="jpeg", data=data.reshape(-1))
    return bytes(store.serialize_cdr(message, COMPRESSED))
