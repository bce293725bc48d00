"""How like two pictures are."""

from __future__ import annotations

import cv2
import numpy as np

SIGMA = 1.5
_DARK, _FLAT = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004) of two grey pictures, uint8 of one shape; 1 is equal."""

    def blur(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (11, 11), SIGMA)

    a, b = one.astype(np.float64), other.astype(np.float64)
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    above = (2 * mean_a * mean_b + _DARK) * (2 * covariance + _FLAT)
    below = (mean_a**2 + mean_b**2 + _DARK) * (var_a + var_b + _FLAT)
    return float(np.mean(above / below))
