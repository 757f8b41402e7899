"""Locks on files, held by one process at a time and released by the system when that process ends."""

from __future__ import annotations

import logging
from pathlib import Path

from filelock import FileLock, Timeout

_log = logging.getLogger(__name__)


def take_lock(file: Path, seconds: float = 0) -> FileLock:
    """Take the lock `file`, which stays on the disk; `release` of the result may be called in any thread.

    Raises `BlockingIOError` where another has held it for `seconds` (-1: wait as long as it takes), and
    `OSError` where the file cannot be made.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    lock = FileLock(file, timeout=seconds, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise BlockingIOError(f"{file} is locked") from None
    except (OSError, NotImplementedError) as error:
        # Some network folders know no locks: working there without one is better than not at all.
        _log.warning("%s cannot be locked (%s); use it in one window only", file, error)
    return lock
