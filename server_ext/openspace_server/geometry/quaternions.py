"""Unit vectors, and rotations as unit quaternions ``(w, x, y, z)``, float64.

A camera's quaternion turns camera axes (x right, y forward, z up) into the axes of the world.
"""

from __future__ import annotations

import math

import numpy as np

# ---- vectors


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product of two single vectors; NumPy's own takes ten times as long for them."""
    ax, ay, az = a.tolist()
    bx, by, bz = b.tolist()
    return np.array((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx))


def length(v: np.ndarray) -> float:
    """Length of a single vector."""
    return math.sqrt(v @ v)


def unit(v: np.ndarray) -> np.ndarray:
    """``v`` with length 1."""
    return v / length(v)


def perpendicular(a: np.ndarray) -> np.ndarray:
    """A unit vector at right angles to unit vector ``a``, always the same one."""
    least = np.zeros(len(a))
    least[int(np.argmin(np.abs(a)))] = 1.0
    return unit(least - (least @ a) * a)


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Along the great circle from unit vector ``a`` to ``b``, both of any dimension; opposite ones go around by a fixed
    third direction."""
    cosine = float(np.clip(a @ b, -1.0, 1.0))
    if cosine > 1 - 1e-12:
        return unit(a + t * (b - a))
    if cosine < -1 + 1e-9:
        return math.cos(math.pi * t) * a + math.sin(math.pi * t) * perpendicular(a)
    angle = math.acos(cosine)
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


# ---- rotations


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rotation ``b`` followed by ``a``."""
    aw, ax, ay, az = a.tolist()
    bw, bx, by, bz = b.tolist()
    return np.array(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        )
    )


def inverse(q: np.ndarray) -> np.ndarray:
    """The rotation back."""
    w, x, y, z = q.tolist()
    return np.array((w, -x, -y, -z))


def near(q: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``q`` or ``-q``, the same rotation: the one that is nearer to ``other``."""
    return q if float(q @ other) >= 0 else -q


def about(axis: np.ndarray, angle: float) -> np.ndarray:
    """The rotation by ``angle`` radians about a unit ``axis``, right-handed."""
    return np.concatenate(([np.cos(angle / 2)], np.sin(angle / 2) * np.asarray(axis)))


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The shortest rotation that brings unit vector ``b`` to ``a``."""
    w = 1 + float(a @ b)
    if w < 1e-14:  # opposite to within 1e-7: any axis across them serves
        return about(perpendicular(a), math.pi)
    return unit(np.concatenate(([w], cross(b, a))))


def interpolated(q: np.ndarray, other: np.ndarray, t: float) -> np.ndarray:
    """The rotation between ``q`` (t = 0) and ``other`` (t = 1), along the shorter arc."""
    return slerp(q, near(other, q), t)


def look(forward: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Camera quaternion that looks along ``forward`` with ``up`` upwards as far as possible."""
    f = unit(forward)
    right = cross(f, up)
    size = length(right)
    right = right / size if size > 1e-9 * length(up) else perpendicular(f)
    return from_matrix(np.array([right, f, cross(right, f)]).T)


def matrix(q: np.ndarray) -> np.ndarray:
    """Rotation matrix ``(3, 3)``; for a camera its columns are right, forward and up."""
    w, x, y, z = q.tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def from_matrix(m: np.ndarray) -> np.ndarray:
    """Quaternion of a rotation matrix."""
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    if trace > 0:
        s = 2 * np.sqrt(1 + trace)
        q = np.array([s / 4, (m[2, 1] - m[1, 2]) / s, (m[0, 2] - m[2, 0]) / s, (m[1, 0] - m[0, 1]) / s])
    else:
        i = int(np.argmax(np.diag(m)))
        j, k = (i + 1) % 3, (i + 2) % 3
        s = 2 * np.sqrt(max(1 + m[i, i] - m[j, j] - m[k, k], 1e-30))
        q = np.empty(4)
        q[0], q[1 + i], q[1 + j], q[1 + k] = (
            (m[k, j] - m[j, k]) / s,
            s / 4,
            (m[j, i] + m[i, j]) / s,
            (m[k, i] + m[i, k]) / s,
        )
    return unit(q)
