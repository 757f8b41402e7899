"""Files that are either complete or not there."""

from __future__ import annotations

import glob
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainer.errors import DataError
from trainer.translatable import TranslatableText, translatable

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.partial")


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there is synced and moved into place at the end.

    Where the block fails, `path` keeps its former content and the temporary file is removed. Missing parent
    folders are made. Raises `DataError` naming `path` where it cannot be written (disk full, no permission).
    """
    _check_replaceable(path)
    temporary = path.with_name(f"{_begin(path)}{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        sync_file(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise DataError(unwritable(path, error)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise `DataError` where `write_atomically` would; called before long work, so that it is not lost."""
    _check_replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise DataError(unwritable(path, error)) from error


def _check_replaceable(path: Path) -> None:
    """A device would give way to the new file like any other name."""
    if path.exists() and not path.is_file():
        raise DataError(
            translatable("{path} is no file, and would be replaced by one; give another name", path=path)
        )


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of `write_atomically` that a process left which was killed.

    Only for folders that nobody else writes to.
    """
    _remove(folder.rglob(".*.partial"))


def remove_leftovers_of(path: Path) -> None:
    """Remove what such a process left of this one file."""
    _remove(path.parent.glob(f"{glob.escape(_begin(path))}*.partial"))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if _TEMPORARY.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            with suppress(OSError):
                path.unlink()


def _begin(path: Path) -> str:
    """How temporary names begin: shorter than the name where that is as long as a name can be."""
    return f".{path.name[:50]}."


def unwritable(path: Path, error: OSError) -> TranslatableText:
    """Say why a file or folder could not be written, and what to do."""
    return translatable(
        "cannot write {path} ({reason}); free some space or choose another folder",
        path=path,
        reason=error.strerror or error,
    )


def sync_file(file: Path) -> None:
    """Return when the content of a file is on the disk."""
    # Opened for writing because Windows refuses to sync a read-only handle.
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make the renaming itself durable; only POSIX systems can open a folder for that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
