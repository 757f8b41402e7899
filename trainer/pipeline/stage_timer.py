"""The time that the stages of a run take, and their progress."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from trainer.distributed import ProcessGroup
from trainer.pipeline.run_folder import RunFolder
from trainer.progress import Reporter, Stage


class StageTimer:
    """Measures stages for the record of a run and reports their progress."""

    def __init__(self, folder: RunFolder, report: Reporter, group: ProcessGroup) -> None:
        self._folder, self._report, self._group = folder, report, group

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        """Add the seconds of the block to those of the stage `name`."""
        start = time.monotonic()
        try:
            yield
        finally:  # What was spent before a run was broken off counts too.
            if self._group.is_main:
                self._folder.add_seconds(name, time.monotonic() - start)

    @contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> Iterator[Stage]:
        """Measure and report a stage of `total` items, of which `done` were done before."""
        with self.measured(name), self._report.stage(name, total, done) as stage:
            yield stage
