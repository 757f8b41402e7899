"""What tells a photo from every other one, whatever it is called and wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainer.data.digest import file_digest
from trainer.errors import DataError
from trainer.translatable import translatable

NEVER = -1
"""`modified` of a file that is to be read again."""


@dataclass(frozen=True)
class Fingerprint:
    """Size in bytes and SHA-256 of a file's content; `modified`, when it was written in nanoseconds, only
    saves reading it again.
    """

    size: int
    modified: int
    digest: str

    def is_of(self, stamp: tuple[int, int]) -> bool:
        """Whether a file of this `stamp` is the same, as far as can be told without reading it."""
        return stamp == (self.size, self.modified)


def stamp(path: Path) -> tuple[int, int] | None:
    """Return a file's size and when it was written; None where there is none to be asked."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def fingerprint(path: Path) -> Fingerprint:
    """Read a file as a whole; raises `DataError` where it cannot be read."""
    try:
        found = path.stat()
        return Fingerprint(found.st_size, found.st_mtime_ns, file_digest(path))
    except FileNotFoundError:
        raise DataError(translatable("{path} does not exist; check the path", path=path)) from None
    except OSError as error:
        raise DataError(
            translatable(
                "{path} cannot be read ({problem}); it may be damaged: replace it or leave it out",
                path=path,
                problem=error.strerror,
            )
        ) from error
