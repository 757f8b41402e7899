"""A folder ``masks`` beside ``images``: label maps, or one object each in white."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainer.data.classes import ClassList
from trainer.data.formats.base import MaskEntry, NamedMask, Reader
from trainer.data.formats.reading import files_below
from trainer.data.masks import OBJECT, MaskReader, one_object
from trainer.translatable import translatable

_MASKS, _IMAGES = "masks", "images"
_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")


class MaskFolderReader(Reader):
    """Label maps by the numbers of a class list (``labelmap.txt`` or ``classes.txt``, else the given one).

    A mask of 255 and 0, and 128 where undecided, shows one object: of the only class, or of `OBJECT`.
    """

    name = "masks"
    title = translatable("Folder of masks")

    @staticmethod
    def recognises(path: Path) -> bool:
        """See `Reader.recognises`."""
        beside = (path / _IMAGES).is_dir() or path.name == _MASKS
        return beside and next(files_below(_folder(path), _SUFFIXES), None) is not None

    def __init__(self, path: Path, classes: ClassList | None) -> None:
        self._root, self._folder = path, _folder(path)
        self.classes = classes or ClassList.of_folder(path) or ClassList.of_folder(self._folder)
        self._files = {
            MaskEntry(f"{_IMAGES}/{file.relative_to(self._folder).with_suffix('').as_posix()}"): file
            for file in files_below(self._folder, _SUFFIXES)
        }

    def entries(self) -> Iterator[MaskEntry]:
        """See `Reader.entries`."""
        return iter(self._files)

    def read(self, entry: MaskEntry, photo: Path, classes: ClassList) -> NamedMask:
        """See `Reader.read`."""
        path, classes = self._files[entry], self.classes or classes
        shown = one_object(MaskReader().read(path, photo))
        if shown is None:
            return NamedMask(MaskReader(classes, self._root).read(path, photo), classes.names)
        return NamedMask(shown, classes.names if len(classes) == 1 else (OBJECT,))


def _folder(path: Path) -> Path:
    return path / _MASKS if (path / _MASKS).is_dir() else path
