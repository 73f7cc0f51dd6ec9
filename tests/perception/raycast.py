"""Pictures of simple solids on a table by casting one ray for each pixel: exact depth, no renderer."""

import numpy as np

from perception.frame import Frame, Intrinsics

INTRINSICS = Intrinsics(320, 240, 308.0, 308.0, 159.5, 119.5)
TABLE = (84, 110, 140)


def looking(position, target):
    """base_from_camera of an optical frame (x right, y down, z forward) that looks at a target."""
    forward = np.subtract(target, position) / np.linalg.norm(np.subtract(target, position))
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    transform = np.eye(4)
    transform[:3, :3] = np.stack((right, np.cross(forward, right), forward), axis=1)
    transform[:3, 3] = position
    return transform


CAMERA = looking((1.15, 0.0, 0.62), (0.5, 0.0, 0.0))


def rays(intrinsics, base_from_camera):
    rows, columns = np.mgrid[0 : intrinsics.height, 0 : intrinsics.width]
    x = (columns - intrinsics.cx) / intrinsics.fx
    y = (rows - intrinsics.cy) / intrinsics.fy
    directions = np.stack((x, y, np.ones_like(x)), axis=-1)  # depth 1 along the optical axis
    return directions @ base_from_camera[:3, :3].T, base_from_camera[:3, 3]


def hit_plane(directions, origin, height):
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (height - origin[2]) / directions[..., 2]
    return np.where(t > 0.0, t, np.inf)


def hit_ellipsoid(directions, origin, centre, half_axes):
    d, o = directions / half_axes, (origin - centre) / half_axes
    a, b, c = (d * d).sum(-1), (d * o).sum(-1), (o * o).sum() - 1.0
    root = b * b - a * c
    return np.where(root >= 0.0, (-b - np.sqrt(np.maximum(root, 0.0))) / a, np.inf)


def hit_cylinder(directions, origin, centre, radius, half_height):
    d, o = directions, origin - np.asarray(centre)
    a, b = d[..., 0] ** 2 + d[..., 1] ** 2, d[..., 0] * o[0] + d[..., 1] * o[1]
    root = b * b - a * (o[0] ** 2 + o[1] ** 2 - radius**2)
    side = np.where(root >= 0.0, (-b - np.sqrt(np.maximum(root, 0.0))) / a, np.inf)
    side = np.where(np.abs(o[2] + side * d[..., 2]) <= half_height, side, np.inf)
    top = (half_height - o[2]) / d[..., 2]
    x, y = o[0] + top * d[..., 0], o[1] + top * d[..., 1]
    return np.minimum(side, np.where((x * x + y * y <= radius**2) & (top > 0.0), top, np.inf))


def render(solids, base_from_camera=CAMERA, intrinsics=INTRINSICS, table=0.0, random=None):
    """Colour and depth of solids: each a colour and a function that gives the depth of each ray."""
    directions, origin = rays(intrinsics, base_from_camera)
    depth = hit_plane(directions, origin, table)
    colour = np.empty((*depth.shape, 3), np.uint8)
    colour[:] = TABLE
    for paint, hit in solids:
        distance = hit(directions, origin)
        nearer = distance < depth
        depth = np.where(nearer, distance, depth)
        colour[nearer] = paint
    depth = np.where(np.isfinite(depth) & (depth < 50.0), depth, 0.0)
    depth = depth.astype(np.float32)
    return (colour, depth) if random is None else noisy(colour, depth, random)


def noisy(colour, depth, random):
    """What a stereo camera adds: grain, and depth noise that grows with the distance squared."""
    grain = 2.0 * random.standard_normal(colour.shape, np.float32)
    error = random.standard_normal(depth.shape, np.float32) * np.float32(0.08 / (385.0 * 0.05))
    return np.clip(colour + grain, 0, 255).astype(np.uint8), depth + error * depth**2


def ball(centre, half_axes=(0.03, 0.03, 0.03), paint=(10, 10, 220)):
    return paint, lambda d, o: hit_ellipsoid(d, o, np.asarray(centre), np.asarray(half_axes))


def puck(centre, radius=0.035, half_height=0.02, paint=(220, 60, 10)):
    return paint, lambda d, o: hit_cylinder(d, o, centre, radius, half_height)


def frame_of(solids, stamp=0.0, number=1, **arguments):
    return Frame(*render(solids, **arguments), arguments.get("intrinsics", INTRINSICS), stamp, number)
