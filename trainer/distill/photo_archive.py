"""PhotoArchive in folders and zip files, read in place."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from trainer.data.images import IMAGE_SUFFIXES, opened, to_rgb8
from trainer.data.zip_files import ZipFolder
from trainer.errors import DataError


class PhotoArchive:
    """All photos of some folders and zip files, under names that do not depend on where those lie.

    A photo is kept in memory, no larger than asked for, once it was read. Safe to use from several threads.

    Args:
        sources: folders (searched with their sub-folders) and zip files.
        short_side: larger photos are reduced to this many pixels on their shorter side.

    Raises:
        DataError: a source is absent, damaged or without photos.
    """

    def __init__(self, sources: Iterable[Path], short_side: int = 256) -> None:
        self._short_side = short_side
        self._readers: dict[str, Callable[[], bytes]] = {}
        self._kept: dict[str, np.ndarray] = {}
        for source in sources:
            found = dict(_in_zip(source) if source.is_file() else _in_folder(source))
            if not found:
                raise DataError(f"there are no photos in {source}; give a folder or a zip file that has some")
            for name, reader in found.items():  # two archives may have a photo of one name
                self._readers[f"{source.name}/{name}" if name in self._readers else name] = reader
        self.names = sorted(self._readers)

    def read(self, name: str) -> np.ndarray:
        """The photo of that name, ``H×W×3`` uint8.

        Raises:
            DataError: it is damaged.
        """
        if name not in self._kept:
            try:
                with opened(Path(name), self._readers[name]()) as file:
                    photo = Image.fromarray(to_rgb8(ImageOps.exif_transpose(file)))
                factor = min(1.0, self._short_side / min(photo.size))
                photo.thumbnail((math.ceil(photo.width * factor), math.ceil(photo.height * factor)))
                self._kept[name] = np.asarray(photo)
            except OSError as error:
                raise DataError(f"the photo {name} is damaged; remove it and start again") from error
        return self._kept[name]


def folder_of(name: str) -> str:
    """Name of the folder a photo lies in, which in Caltech-101 is its class."""
    return PurePosixPath(name).parent.name


def _in_folder(folder: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for path in folder.rglob("*"):
        if _is_photo(PurePosixPath(path)) and "SegmentationClass" not in path.parts and path.is_file():
            yield f"{folder.name}/{path.relative_to(folder).as_posix()}", path.read_bytes


def _in_zip(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    archive = ZipFolder(path)
    for name in archive.names:
        if _is_photo(PurePosixPath(name)):
            yield name, partial(archive.read, name)


def _is_photo(path: PurePosixPath) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES
