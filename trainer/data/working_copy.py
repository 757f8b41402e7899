"""Projects on media that cannot be written: a copy is worked on, which is gone when they are closed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from trainer.data.atomic import unwritable
from trainer.errors import DataError


def can_be_written(file: Path) -> bool:
    """Tell whether a project file, and those that belong to it, can be written where they lie."""
    return os.access(file.parent, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))


class WorkingCopy:
    """A copy of a project file in a temporary folder, with all that was written to it last."""

    def __init__(self, file: Path) -> None:
        """Copy `file`; raises `DataError` where it cannot be read, or there is no room for the copy."""
        self._folder = tempfile.TemporaryDirectory(prefix="affinity-project-", ignore_cleanup_errors=True)
        self.file = Path(self._folder.name) / file.name
        try:
            # The log holds what a process wrote last that was killed; SQLite rebuilds its index.
            for name in (file.name, f"{file.name}-wal"):
                with suppress(FileNotFoundError):
                    shutil.copyfile(file.with_name(name), self.file.with_name(name))
        except OSError as error:
            self.remove()
            raise DataError(unwritable(self.file, error)) from error

    def add(self, folder: Path) -> None:
        """Show the files of a folder beside the original beside the copy as well; none of them is copied
        where the system knows links.
        """
        target = self.file.parent / folder.name
        try:
            if folder.is_dir():
                shutil.copytree(folder, target, copy_function=_link)
        except (OSError, shutil.Error) as error:
            raise DataError(f"cannot read {folder} ({error}); check the medium") from error
        for path in (target, *target.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)  # as the original's, it would be read-only

    def remove(self) -> None:
        """Remove the copy, and all that was written to it."""
        self._folder.cleanup()


def _link(source: str, target: str) -> None:
    try:
        Path(target).symlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
