"""Zip archives from outside, read in place: what an entry says of itself is checked before it is read."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from threading import Lock

from trainer.errors import DataError

MOST_BYTES = 256 << 20
"""An entry that unpacks to more is refused: no photo is as large, and the memory is not endless."""

MOST_SWELLING = 100
"""How much larger an entry may become; pictures hardly change."""

_UNSUSPICIOUS = 16 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED = 1


class ZipFolder:
    """The files of a zip archive, by their names in it. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Read the table of contents; raises `DataError` where that is damaged."""
        self.path = path
        self._lock = Lock()  # one file handle serves all readers
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not a zip file that can be read; fetch it again") from error
        self._entries = {
            entry.filename: entry
            for entry in self._archive.infolist()
            if not (entry.is_dir() or entry.filename.startswith("__MACOSX/"))
        }

    @property
    def names(self) -> list[str]:
        """Names of the files, in the order of the archive."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """Return the content of a file; raises `DataError` naming it where it cannot or must not be read."""
        entry = self._entries[name]
        place = f"{name} in {self.path}"
        if entry.flag_bits & _ENCRYPTED:
            raise DataError(f"{place} is encrypted; unpack the archive with its password first")
        if entry.compress_type not in _METHODS:
            raise DataError(f"{place} is packed in an unknown way; pack the archive as plain zip")
        swells = entry.file_size > max(MOST_SWELLING * entry.compress_size, _UNSUSPICIOUS)
        if entry.file_size > MOST_BYTES or swells:
            size = f"{entry.file_size >> 20} MB"
            raise DataError(f"{place} would unpack to {size}; leave it out of the archive")
        try:
            with self._lock, self._archive.open(entry) as stream:
                content = stream.read()  # never more than the entry says
        except (
            OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error
        ) as error:  # fmt: skip
            raise DataError(f"{place} is damaged; fetch the archive again") from error
        if len(content) != entry.file_size:
            raise DataError(f"{place} is damaged; fetch the archive again")
        return content
