"""A lock that one holder has at a time, among processes and within one; it ends with its process."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _take(stream: BinaryIO) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
else:

    def _take(stream: BinaryIO) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}
_log = logging.getLogger(__name__)


class Lock:
    """Held from its making until `release`. The file stays: what is removed could not be locked for sure."""

    def __init__(self, file: Path) -> None:
        """Take the lock. Raises `BlockingIOError` where another has it, `OSError` where there can be none."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = file.open("ab")
        try:
            _take(self._stream)
        except OSError as error:
            if error.errno in _TAKEN:
                self._stream.close()
                raise BlockingIOError(error.errno, "locked", str(file)) from error
            # Some network folders know no locks: working there without one is better than not at all.
            _log.warning("%s cannot be locked (%s); open the project in one window only", file, error)

    def release(self) -> None:
        """Let others have it."""
        self._stream.close()
