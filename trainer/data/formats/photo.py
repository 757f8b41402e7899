"""The photos of an exported data set: JPEG and upright, as every reader expects them."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from trainer.data.images import is_upright_jpeg, load_image

JPEG_QUALITY = 95


def write_photo(source: Path, path: Path) -> None:
    """Copy an upright JPEG byte for byte; of anything else make one. Missing folders are made.

    Raises `DataError` where the photo cannot be read; then nothing is written.
    """
    if is_upright_jpeg(source):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
    else:
        photo = Image.fromarray(load_image(source))
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
