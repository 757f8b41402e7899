"""The sample project's photos: those that scikit-image installs with itself."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path, PurePosixPath

import skimage.data
from platformdirs import user_data_path

from trainer.data.atomic import write_atomically
from trainer.data.classes import ClassList
from trainer.data.tags import read_tags_csv, write_tags_csv
from trainer.errors import DataError

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
    log. Existing files are kept; in an existing sample only photos that its list names are restored. Raises
    `DataError` where the list of tags or of classes is not of a sample.
    """
    installed = Path(skimage.data.__file__).parent
    tags = {}
    for name, names in _wanted(folder).items():
        if not (installed / name).is_file():
            _log.warning("the sample goes without %s, which the installed scikit-image lacks", name)
            continue
        tags[name] = names
        if not (folder / name).is_file():
            with write_atomically(folder / name) as temporary:
                shutil.copyfile(installed / name, temporary)
    if not (folder / "tags.csv").is_file():
        _classes().save(folder / "classes.txt")
        write_tags_csv(folder / "tags.csv", tags)
    return folder


def _classes() -> ClassList:
    return ClassList.voc().with_added("cup").with_added("rocket")


def _wanted(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the photos a folder shall have: all, or those that the list of tags there names."""
    if (file := folder / "tags.csv").is_file():
        ids = {PurePosixPath(name): PurePosixPath(name).stem for name in PHOTOS}
        named = read_tags_csv(file, ids, [])
        wanted = {name: tags for name, tags in PHOTOS.items() if PurePosixPath(name).stem in named}
    else:
        file = folder / "classes.txt"
        # Without tags, the sample's own classes are those of a call that was cut short.
        wanted = PHOTOS if not file.is_file() or ClassList.from_file(file) == _classes() else {}
    if not wanted:
        raise DataError(f"{file} is not of the sample; choose an empty folder for it")
    return wanted


def sample_folder() -> Path:
    """Where this person's sample photos are, or will be: `build_sample` puts them there."""
    return user_data_path("affinity-annotator") / "sample"
