"""Rotations as unit quaternions ``(w, x, y, z)``, float64. A camera's quaternion turns camera axes (x right, y
forward, z up) into the axes of the world."""

from __future__ import annotations

import math

import numpy as np


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of two single vectors; NumPy's own takes ten times as long for them."""
    ax, ay, az = a.tolist()
    bx, by, bz = b.tolist()
    return np.array((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx))


def length(v: np.ndarray) -> float:
    """Of a single vector."""
    return math.sqrt(v @ v)


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


def about(axis: np.ndarray, angle: float) -> np.ndarray:
    """The rotation by ``angle`` radians about a unit ``axis``, right-handed."""
    return np.concatenate(([np.cos(angle / 2)], np.sin(angle / 2) * np.asarray(axis)))


def normalised(q: np.ndarray) -> np.ndarray:
    return q / np.sqrt(q @ q)


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
    return normalised(q)


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """From ``a`` (t = 0) to ``b`` (t = 1) along the shorter way."""
    dot = float(a @ b)
    if dot < 0:
        b, dot = -b, -dot
    if dot > 0.9999999:
        return normalised(a + t * (b - a))
    angle = np.arccos(dot)
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


def slerp_direction(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Between unit vectors along the great circle; opposite ones by way of some perpendicular."""
    dot = float(a @ b)
    if dot > 0.9999999:
        out = a + t * (b - a)
        return out / np.linalg.norm(out)
    side = b - dot * a if dot > -0.9999999 else perpendicular(a)
    side = side / np.linalg.norm(side)
    angle = t * math.acos(max(-1.0, dot))
    turned: np.ndarray = np.cos(angle) * a + np.sin(angle) * side
    return turned


def perpendicular(v: np.ndarray) -> np.ndarray:
    """Some unit vector at right angles to ``v``."""
    other = cross(v, np.eye(3)[int(np.argmin(np.abs(v)))])
    return other / length(other)


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The shortest rotation that brings unit vector ``b`` to ``a``."""
    w = 1 + float(a @ b)
    if w < 1e-9:
        return about(perpendicular(a), math.pi)
    return normalised(np.concatenate(([w], cross(b, a))))


def look(forward: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Camera quaternion that looks along ``forward`` with ``up`` upwards as far as possible."""
    f = forward / length(forward)
    right = cross(f, up)
    size = length(right)
    right = right / size if size > 1e-9 * max(length(up), 1e-300) else perpendicular(f)
    return from_matrix(np.array([right, f, cross(right, f)]).T)
