"""The sample project's photos: those that scikit-image installs with itself."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import skimage.data

from trainer.data.atomic import write_atomically
from trainer.data.classes import ClassList
from trainer.data.tags import write_tags_csv

PHOTOS: dict[str, tuple[str, ...]] = {
    "chelsea.png": ("cat",),
    "astronaut.png": ("person",),
    "camera.png": ("person",),
    "motorcycle_left.png": ("motorbike",),
    "coffee.png": ("cup",),
    "rocket.jpg": ("rocket",),
}
"""File name of each photo and what it shows."""

_log = logging.getLogger(__name__)


def build_sample(folder: Path) -> Path:
    """Copy the photos with ``tags.csv`` and ``classes.txt`` (VOC's 20, cup, rocket) to `folder`; return it.

    Nothing is downloaded: a photo that the installed scikit-image lacks is left out with a warning in the
    log. What is there already is kept.
    """
    installed = Path(skimage.data.__file__).parent
    tags = {}
    for name, names in PHOTOS.items():
        if not (installed / name).is_file():
            _log.warning("the sample goes without %s, which the installed scikit-image lacks", name)
            continue
        tags[name] = names
        if not (folder / name).is_file():
            with write_atomically(folder / name) as temporary:
                shutil.copyfile(installed / name, temporary)
    if not (folder / "tags.csv").is_file():
        ClassList.voc().with_added("cup").with_added("rocket").save(folder / "classes.txt")
        write_tags_csv(folder / "tags.csv", tags)
    return folder
