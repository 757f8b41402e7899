"""Zip archives from outside, read in place: what an entry says of itself is checked before it is read."""

from __future__ import annotations

import hashlib
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import IO

from trainer.errors import DataError

MOST_BYTES = 256 << 20
"""An entry that unpacks to more is refused: no photo is as large, and the memory is not endless."""

MOST_SWELLING = 100
"""How much larger an entry may become; pictures hardly change."""

_UNSUSPICIOUS = 16 << 20
_PIECE = 1 << 20
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
        entry, place = self._entry(name)
        swells = entry.file_size > max(MOST_SWELLING * entry.compress_size, _UNSUSPICIOUS)
        if entry.file_size > MOST_BYTES or swells:
            size = f"{entry.file_size >> 20} MB"
            raise DataError(f"{place} would unpack to {size}; leave it out of the archive")
        with self._opened(entry, place) as stream:
            content = stream.read()  # never more than the entry says
        if len(content) != entry.file_size:
            raise DataError(f"{place} is damaged; fetch the archive again")
        return content

    def copy(self, name: str, target: Path | None) -> str:
        """Write a file of any size to `target`, if one is given, and return its SHA-256, hexadecimal.

        Raises `DataError` as `read`, but for the size, and where the disk has no room for it.
        """
        entry, place = self._entry(name)
        if target is not None and entry.file_size > shutil.disk_usage(target.parent).free:
            raise DataError(f"there is no room for {place} ({entry.file_size >> 20} MB); free some space")
        digest = hashlib.sha256()
        written = nullcontext() if target is None else target.open("wb")
        with self._opened(entry, place) as stream, written as file:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                if file is not None:
                    file.write(piece)
        return digest.hexdigest()

    def _entry(self, name: str) -> tuple[zipfile.ZipInfo, str]:
        """The entry of that name, if it can be read, and what errors call it."""
        entry, place = self._entries[name], f"{name} in {self.path}"
        if entry.flag_bits & _ENCRYPTED:
            raise DataError(f"{place} is encrypted; unpack the archive with its password first")
        if entry.compress_type not in _METHODS:
            raise DataError(f"{place} is packed in an unknown way; pack the archive as plain zip")
        return entry, place

    @contextmanager
    def _opened(self, entry: zipfile.ZipInfo, place: str) -> Iterator[IO[bytes]]:
        try:
            with self._lock, self._archive.open(entry) as stream:
                yield stream
        except OSError as error:
            if error.filename is not None or error.errno is not None:  # of the disk, not of the archive
                raise
            raise DataError(f"{place} is damaged; fetch the archive again") from error
        except (EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{place} is damaged; fetch the archive again") from error
