"""Traces of crashes of Qt or torch, which end the process silently: written, and found at the next start."""

import faulthandler
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import time

RUNNING = "running-"
DAY = 24 * 3600


@contextmanager
def traced(folder: Path) -> Iterator[list[Path]]:
    """Write the stacks of all threads into a file of `folder` if the process crashes within.

    Yields the traces of earlier crashes that have not been reported yet; from now on they count as reported.
    Where the folder cannot be written to, there is no trace.
    """
    file = folder / f"{RUNNING}{datetime.now():%Y%m%d-%H%M%S-%f}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = _untold(folder)
        stream = file.open("w", encoding="utf-8")
    except OSError:
        logging.getLogger(__name__).warning("a crash would leave no trace", exc_info=True)
        yield []
        return
    with stream:
        faulthandler.enable(stream)
        try:
            yield earlier
        finally:
            faulthandler.disable()
    file.unlink(missing_ok=True)


def _untold(folder: Path) -> list[Path]:
    """Rename the traces that were written; an empty one is that of a running or a killed process."""
    found = []
    for trace in sorted(folder.glob(f"{RUNNING}*.log")):
        with suppress(OSError):  # another desk that starts now was quicker
            if trace.stat().st_size:
                found.append(trace.rename(trace.with_name(trace.name.replace(RUNNING, "crash-"))))
            elif time() - trace.stat().st_mtime > 30 * DAY:
                trace.unlink()
    return found
