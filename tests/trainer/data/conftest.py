"""Fixtures of the tests that export."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from trainer.data.formats.base import ExportEntry


@pytest.fixture
def entries(tmp_path):
    """Three photos: an upright JPEG, one that EXIF turns, and a PNG; the second is for validation."""
    cat, folder = Image.fromarray(skimage.data.chelsea()), tmp_path / "photos"
    folder.mkdir()
    cat.save(folder / "upright.jpg", quality=80)
    exif = Image.Exif()
    exif[0x0112] = 6
    cat.save(folder / "turned.jpg", quality=95, exif=exif)
    cat.save(folder / "cat.png")
    mask = np.zeros((300, 451), np.uint8)
    mask[10:60, 20:100] = mask[200:300, 5:15] = 1
    mask[0, 0] = 255
    turned = np.full((451, 300), 2, np.uint8)
    return [
        ExportEntry("upright", folder / "upright.jpg", mask, ("cat",)),
        ExportEntry("turned", folder / "turned.jpg", turned, (), "val"),
        ExportEntry("sub/cat", folder / "cat.png", np.zeros_like(mask), ("cup",)),
    ]
