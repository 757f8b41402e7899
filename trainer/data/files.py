"""Reading files that come from outside: plain files only, and no text longer than a list can be."""

from __future__ import annotations

import codecs
import json
import math
import stat
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import DataError
from trainer.translatable import translatable

MOST_TEXT = 64 << 20
"""Bytes that a list, a table or a record has at most; more is surely another kind of file."""

_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def check_plain(path: Path) -> None:
    """Raise `DataError` where a path is missing, or is no plain file.

    To open a pipe waits for somebody to write, and to read a device may never end.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(translatable("{path} does not exist; check the path", path=path)) from None
    except OSError as error:
        raise DataError(
            translatable(
                "{path} cannot be read ({problem}); it may be damaged: replace it or leave it out",
                path=path,
                problem=error.strerror,
            )
        ) from error
    if stat.S_ISDIR(mode):
        raise DataError(translatable("{path} is a folder; give a file", path=path))
    if not stat.S_ISREG(mode):
        raise DataError(translatable("{path} is a pipe or a device; give a plain file", path=path))


def read_text(path: Path, kind: str, most: int = MOST_TEXT) -> str:
    """Return the content of a text file: UTF-8, or UTF-16 with its mark, as spread-sheets save it.

    `kind` says what the file is to be. Raises `DataError` naming it where it cannot be read, is no text, or
    longer than `most` bytes.
    """
    check_plain(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise DataError(f"{path} is too long to be {kind}; give the right file")
        text = content.decode(_MARKS.get(content[:2], "utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise DataError(f"cannot read {kind} {path} ({reason}); give a text file") from error
    if "\0" in text:
        raise DataError(f"cannot read {kind} {path} (it holds bytes that no text has); give a text file")
    return text


def read_json(path: Path, kind: str, most: int = MOST_TEXT) -> Any:
    """Return the content of a JSON file; raises `DataError` as `read_text`, and where it is no JSON."""
    try:
        return json.loads(read_text(path, kind, most))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({error}); remove it or replace it") from error


def json_text(value: object) -> str:
    """Return a value as JSON that every reader takes: numbers that JSON does not know become null."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False, default=str)
    # Half a character, from a file name that is no text, has a place in JSON as an escape only.
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
