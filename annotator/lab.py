"""CIELAB to sRGB: the colours of the desk are chosen where equal distances look equal."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, 2°
TO_LINEAR = np.linalg.inv(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)


def lab_to_srgb(lab: ArrayLike) -> NDArray[np.float64]:
    """sRGB (…, 3) in [0, 1] of CIELAB (…, 3); what lies outside the gamut is cut off.

    Written here because the window would have to wait for the whole of scikit-image and SciPy.
    """
    lightness, a, b = np.moveaxis(np.asarray(lab, np.float64), -1, 0)
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, np.maximum(y - b / 200, 0)], axis=-1)
    xyz = WHITE * np.where(f > 6 / 29, f**3, (f - 16 / 116) / 7.787)
    linear = xyz @ TO_LINEAR.T
    bright = linear > 0.0031308
    gamma = 1.055 * np.where(bright, linear, 1.0) ** (1 / 2.4) - 0.055
    return np.where(bright, gamma, 12.92 * linear).clip(0, 1)
