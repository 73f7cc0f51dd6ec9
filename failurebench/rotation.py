"""Rotation matrix to quaternion, with the branch and sign rules of SciPy."""

import math
from collections.abc import Sequence


def quaternion(matrix: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the unit quaternion (x, y, z, w) of a row-major 3x3 rotation matrix.

    The component that is largest in size is positive, as in ``scipy.spatial.transform.Rotation.from_matrix``,
    which Meta-World uses; a rolling object therefore makes the signs of the others jump.
    """
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrix
    trace = m00 + m11 + m22
    largest = max(m00, m11, m22, trace)
    # First of (m00, m11, m22, trace) wins a tie, as in SciPy's argmax.
    if largest == m00:
        x, y, z, w = 1 - trace + 2 * m00, m10 + m01, m20 + m02, m21 - m12
    elif largest == m11:
        x, y, z, w = m01 + m10, 1 - trace + 2 * m11, m21 + m12, m02 - m20
    elif largest == m22:
        x, y, z, w = m02 + m20, m12 + m21, 1 - trace + 2 * m22, m10 - m01
    else:
        x, y, z, w = m21 - m12, m02 - m20, m10 - m01, 1 + trace
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    return x / norm, y / norm, z / norm, w / norm
