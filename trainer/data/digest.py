"""Digests of files: two files of one content are one and the same, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

from trainer.data.files import check_plain
from trainer.errors import DataError


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal.

    Raises DataError where there is no plain file, and OSError where it cannot be read.
    """
    check_plain(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_if_readable(path: Path) -> str:
    """Return the digest of a file; "" for one that cannot be read, which is told where it is loaded."""
    try:
        return file_digest(path)
    except (DataError, OSError):
        return ""
