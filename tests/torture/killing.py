"""Work in a process of its own that is killed in the middle of it, as by a power cut.

The process is a fork: everything is imported, so that it works from the first moment on. It tells what is on
disk through a pipe, and nothing it says comes late: what it has told it had done.
"""

from __future__ import annotations

import os
import select
import signal
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

Tell = Callable[[str], None]
Work = Callable[[Tell], None]

PATIENCE = 120.0  # seconds in which any work has to begin, and to end by itself


@dataclass(frozen=True)
class Outcome:
    """How work ended: what it told, in order, how long it took after the first word, and what it died of by
    itself, "" for nothing.
    """

    told: list[str]
    killed: bool
    seconds: float
    error: str = ""


def run_apart(work: Work, delay: float | None = None) -> Outcome:
    """Do `work` in a process of its own, which is killed `delay` seconds after it first told something.

    Without a delay it comes to its end.
    """
    return Started(work).end(delay)


class Started:
    """Work that is under way in a process of its own."""

    def __init__(self, work: Work) -> None:
        reading, writing = os.pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed at its end)
        self._process = os.fork()
        if not self._process:
            os.close(reading)
            _do(work, writing, self._log.fileno())
        os.close(writing)
        self._lines = _Lines(reading)

    def end(self, delay: float | None = None) -> Outcome:
        """Wait for its end, or kill it `delay` seconds after it first told something."""
        lines = self._lines
        lines.wait(PATIENCE, lambda: bool(lines.all))
        begun = time.monotonic()
        lines.wait(PATIENCE if delay is None else delay, lambda: lines.ended)
        seconds, killed = time.monotonic() - begun, not lines.ended
        os.kill(self._process, signal.SIGKILL)
        _, status = os.waitpid(self._process, 0)
        lines.wait(PATIENCE, lambda: lines.ended)
        lines.close()
        with self._log as log:
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
        by_itself = not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0
        if killed and delay is None:
            return Outcome(lines.all, killed, seconds, f"it did not end within {PATIENCE:.0f} s")
        return Outcome(lines.all, killed, seconds, said or "no reason" if by_itself else "")


def problems_of_file(file: Path) -> list[str]:
    """Return what SQLite finds wrong with a project file."""
    with closing(sqlite3.connect(file)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    return [] if found == ["ok"] else [f"{file.name}: {found[0]}"]


def _do(work: Work, pipe: int, log: int) -> None:
    """Work, and leave the process without whatever its parent would do at its end."""
    status = 1
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        work(lambda text: os.write(pipe, f"{text}\n".encode()) and None)
        status = 0
    except BaseException:
        os.write(log, traceback.format_exc().encode())
    finally:
        os._exit(status)


class _Lines:
    """What comes out of a pipe, line by line; a line that was cut off was not told."""

    def __init__(self, pipe: int) -> None:
        self.all: list[str] = []
        self.ended = False
        self._pipe, self._rest = pipe, b""

    def close(self) -> None:
        """Take in nothing more."""
        os.close(self._pipe)

    def wait(self, seconds: float, met: Callable[[], bool]) -> None:
        """Take in what comes, until something holds, the pipe ends or the time is over."""
        end = time.monotonic() + seconds
        while not met() and not self.ended and (left := end - time.monotonic()) > 0:
            if select.select([self._pipe], [], [], left)[0]:
                content = os.read(self._pipe, 1 << 16)
                self.ended = not content
                *lines, self._rest = (self._rest + content).split(b"\n")
                self.all += [line.decode() for line in lines]
