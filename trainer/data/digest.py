"""Digests of files: two files of one content are one and the same, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

from trainer.data.files import check_plain


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal.

    Raises DataError where there is no plain file, and OSError where it cannot be read.
    """
    check_plain(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
