"""Courses of a simulation on disk, one line each, from which an interrupted simulation resumes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.data.atomic import check_writable, unwritable, write_atomically
from trainer.data.digest import digest_if_readable
from trainer.data.files import check_plain
from trainer.errors import DataError
from trainer.robot.photos import PhotoSet
from trainer.robot.scores import Course

_KEY = "simulation"
_LONGEST_KEY = 1 << 20
"""Bytes of a first line beyond which a file is surely of another kind."""


def photos_digest(photos: PhotoSet) -> str:
    """Return a digest of the ids and the contents of photos and true masks, wherever they lie."""
    digest = hashlib.sha256()
    for photo in photos.photos:
        contents = digest_if_readable(photo.image_path), digest_if_readable(photo.truth_path)
        digest.update(repr((photo.id, *contents)).encode())
    return digest.hexdigest()


class CourseRecord:
    """A file of JSON lines: first the key, everything the courses depend on; then one course a line.

    What is added is on the disk when `add` returns. A last line that was cut short is dropped.
    """

    def __init__(self, path: Path, key: Mapping[str, Any]) -> None:
        """Read the courses that `path` holds; where there is no file, the first course begins it.

        Args:
            path: the file.
            key: plain data by name.

        Raises DataError where the file is of another key, damaged, no such record, or cannot be written.
        """
        self.path = path
        self._key = {_KEY: dict(key)}
        self._courses: dict[tuple[str, str, str | None], Course] = {}
        self._begun = path.exists()
        if self._begun:
            self._read()
        else:
            check_writable(path)

    @property
    def images(self) -> frozenset[str]:
        """The ids of photos with a course at least."""
        return frozenset(image for _, image, _ in self._courses)

    def course(self, method: str, image: str, target: str | None) -> Course | None:
        """Return how a method's annotation of a photo's class (None: of all at once) went, if it is here."""
        return self._courses.get((method, image, target))

    def add(self, method: str, course: Course) -> None:
        """Append a course; raises DataError where the disk takes no more."""
        if not self._begun:
            with write_atomically(self.path) as temporary:
                temporary.write_text(f"{json.dumps(self._key)}\n", "utf-8", newline="\n")
            self._begun = True
        line = json.dumps({"method": method, **course.to_json()})
        try:
            with self.path.open("ab") as stream:
                stream.write(f"{line}\n".encode())
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise DataError(unwritable(self.path, error)) from error
        self._courses[method, course.image, course.target] = course

    def _read(self) -> None:
        check_plain(self.path)
        try:
            with self.path.open("rb+") as stream:
                self._check_key(stream.readline(_LONGEST_KEY))
                end = stream.tell()
                for number, line in enumerate(stream, start=2):
                    if line.endswith(b"\n"):
                        self._take(line, number)
                        end += len(line)
                stream.truncate(end)
        except OSError as error:
            raise DataError(unwritable(self.path, error)) from error

    def _check_key(self, line: bytes) -> None:
        try:
            found = dict(json.loads(line)[_KEY])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(
                f"{self.path} holds no results of simulate; give a name that is not taken yet"
            ) from None
        wanted = json.loads(json.dumps(self._key[_KEY]))
        differing = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
        if differing:
            raise DataError(
                f"{self.path} holds results of another simulation ({', '.join(differing)} differ); "
                "give another name, or remove the file"
            )

    def _take(self, line: bytes, number: int) -> None:
        try:
            entry = json.loads(line)
            course = Course.from_json(entry)
            self._courses[str(entry["method"]), course.image, course.target] = course
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(f"line {number} of {self.path} is damaged; remove the line or the file") from None
