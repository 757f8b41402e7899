"""The trainer thread: answers predictions and fine-tunes the AffinityNet while a person works."""

from __future__ import annotations

from collections.abc import Callable

from trainer.data.project import Project
from trainer.engine import Engine
from trainer.messages import Command, Message


class TrainerWorker:
    """Runs in one background thread of its own; commands in by `post`, messages out by `emit`.

    Training begins by itself once one image of each split is corrected. What the worker has learnt is on
    disk when it says so (`Promoted`), so stopping it at any moment loses nothing.

    `Predicted` proposals are also kept by the worker: mask cache, margin, and status `PROPOSED` of images that
    were `NEW`. Messages come on the worker's thread, ten a second at most of those that only draw curves.
    """

    def __init__(self, project: Project, engine: Engine, emit: Callable[[Message], None]) -> None:
        self._project, self._engine, self._emit = project, engine, emit

    def start(self) -> None:
        """Start the thread; loads the project's current model version first."""
        raise NotImplementedError

    def post(self, command: Command) -> None:
        """Hand over a command; returns at once, from any thread."""
        raise NotImplementedError

    def stop(self, timeout: float = 2.0) -> bool:
        """End the thread, mid-batch if need be; True when it has ended within `timeout` seconds."""
        raise NotImplementedError
