"""Image ids: short names that are unique in their data set and safe as relative file names.

Unicode has two forms of many letters, and systems differ in the one they use in file names. Ids are always
composed (NFC), so that a name in a list is found whatever program wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from trainer.errors import DataError

_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
_DEVICE = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever follows a dot."""


def composed(name: str) -> str:
    """Return a name in the Unicode form that ids have."""
    return unicodedata.normalize("NFC", name)


def checked_id(image_id: str) -> str:
    """Return the id that was read from a file (``stem`` or ``folder/stem``), if it stays within its folder.

    Raises `DataError` for absolute paths, ``..``, drive letters, backslashes and control characters.
    """
    parts = image_id.split("/")
    if _UNSAFE.search(image_id) or any(part in ("", ".", "..") or part != part.strip() for part in parts):
        raise DataError(f"{image_id!r} is not a safe image name; use a plain file name without its folder")
    return composed(image_id)


def file_under(folder: Path, image_id: str, suffix: str) -> Path:
    """Return ``folder/<id><suffix>``; the id is checked, and its own dots are kept.

    Where only a file in the other Unicode form is there, its path is returned.
    """
    path = folder / f"{checked_id(image_id)}{suffix}"
    if not image_id.isascii() and not path.exists():
        other = folder / unicodedata.normalize("NFD", f"{checked_id(image_id)}{suffix}")
        return other if other.exists() else path
    return path


def path_below(folder: Path, relative: str) -> Path:
    """Join a relative path that was read from a file; raises `DataError` where it would leave the folder."""
    path = folder / relative
    depth = len(folder.parts)
    if path.parts[:depth] != folder.parts or ".." in path.parts[depth:] or "\0" in relative:
        raise DataError(f"{relative!r} does not lie below {folder}; only files below it are used")
    return path


def assign_ids(paths: Iterable[PurePosixPath], taken: Iterable[str] = ()) -> dict[PurePosixPath, str]:
    """Give each relative path an id that differs from all others and from the `taken` ones.

    The id is the path without its suffix, then ``path_suffix``, then numbered. Ids that differ in case only
    count as equal, since their files would collide on many systems. Unsafe characters become ``_``, which
    also follows the names of devices.
    """
    used = {image_id.casefold() for image_id in taken}
    ids = {}
    for path in paths:
        parts = _UNSAFE.sub("_", composed(str(path.with_suffix("")))).split("/")
        stem = "/".join(_DEVICE.sub(r"\1_", part.strip(), count=1) or "_" for part in parts)
        suffix = path.suffix.lstrip(".").lower()
        candidate, number = stem, 1
        while candidate.casefold() in used:
            candidate = f"{stem}_{suffix}" if number == 1 else f"{stem}_{suffix}_{number}"
            number += 1
        used.add(candidate.casefold())
        ids[path] = candidate
    return ids
