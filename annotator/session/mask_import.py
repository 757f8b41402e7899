"""Masks of other programs: found beside the photos, and imported into the open project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.i18n import localised
from annotator.session.state import SessionState
from trainer.data.project import ImageRecord, Project
from trainer.memory import without_full_collections
from trainer.worker.messages import SeedsChanged

if TYPE_CHECKING:
    # The formats import scikit-image: that is done in the pool, when the window stands already.
    from trainer.data.import_masks import Imported

OFFERED = "masks_offered"
TOLD_SECONDS = 0.05
"""The window is told how far it is not more often than that: masks come by the hundred a second."""
IMAGE_FOLDERS = ("images", "JPEGImages")  # data sets have their masks beside these


@dataclass(frozen=True)
class MasksFound:
    """Where masks are, and the title of their format."""

    path: Path
    title: str


class MaskImport(QObject):
    """Imports masks in the job pool, one data set at a time; what is imported when it is cancelled stays."""

    found = Signal(
        object
    )  # MasksFound: beside the photos of a project that nobody has worked on, the first time
    changed = Signal()  # it runs or no longer does, or has come further
    finished = Signal(object)  # Imported, or the exception that ended it
    imported = Signal(object)  # ids of the images that have other masks now
    _counted = Signal(int)
    _advanced = Signal(int)

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self._state = state
        self._cancel = Event()
        self.running = False
        self.done = self.total = 0  # masks, 0 before they are counted
        self._counted.connect(self._count)
        self._advanced.connect(self._advance)
        self._looked_at: Project | None = None
        state.image_changed.connect(self._look)

    def start(self, path: Path, accept: bool) -> None:
        """Import the masks of a folder or file, as accepted ones or as proposals."""
        state, project = self._state, self._state.project
        if project is None or self.running:
            return
        self.running, self.done, self.total = True, 0, 0
        cancel = self._cancel = Event()

        def work() -> tuple[Imported, list[ImageRecord]]:
            from trainer.data.formats.registry import open_masks
            from trainer.data.import_masks import import_masks

            done, told = 0, monotonic()

            def advance(_: str) -> None:
                nonlocal done, told
                done += 1
                if monotonic() - told >= TOLD_SECONDS:
                    told = monotonic()
                    self._advanced.emit(done)

            with without_full_collections():
                result = import_masks(
                    project,
                    open_masks(path),
                    accept,
                    advance,
                    lambda: cancel.is_set() or state.jobs.closed,
                    self._counted.emit,
                )
                return result, project.images()

        def succeeded(answer: tuple[Imported, list[ImageRecord]]) -> None:
            result, records = answer
            self.running = False
            if state.project is project:
                self._show(result, records)
            self._end(result)

        def failed(error: Exception) -> None:
            self.running = False
            self._end(error)

        self.changed.emit()
        state.jobs.submit(work, succeeded, failed)

    def cancel(self) -> None:
        """End it after the mask in hand; what is imported stays."""
        self._cancel.set()

    def _look(self) -> None:
        """Look for masks beside the photos of a project as soon as its first photo is there, once."""
        state, project = self._state, self._state.project
        if project is None or project is self._looked_at:
            return
        self._looked_at = project
        if not all(record.untouched for record in state.records.values()):
            return

        def found(masks: MasksFound | None) -> None:
            if masks is not None and state.project is project:
                self.found.emit(masks)
                state.writer.submit(lambda: project.set_setting(OFFERED, True), failed=state.report)

        state.jobs.submit(lambda: masks_beside(project), found, state.report, priority=-2)

    def _show(self, result: Imported, records: list[ImageRecord]) -> None:
        """Show what the project has now; accepted masks teach the trainer."""
        state = self._state
        if result.new_classes:
            state.renew_classes()
        state.renew(records)
        self.imported.emit(result.images)
        if result.images:
            last = state.records[result.images[-1]]
            state.predictor.post(SeedsChanged(last.id, last.seed_revision))

    def _end(self, outcome: object) -> None:
        self.changed.emit()
        self.finished.emit(outcome)

    def _count(self, total: int) -> None:
        self.total = total
        self.changed.emit()

    def _advance(self, done: int) -> None:
        self.done = done
        self.changed.emit()


def masks_beside(project: Project) -> MasksFound | None:
    """Return the masks that lie beside a project's photos; None where nobody needs to hear of them: there are
    none, or they were offered before.
    """
    from trainer.data.formats.registry import READERS, format_of

    if project.setting(OFFERED, False):
        return None
    root = project.root
    for path in (root, root.parent) if root.name in IMAGE_FOLDERS else (root,):
        if (name := format_of(path)) is not None:
            return MasksFound(path, localised(READERS[name].title))
    return None
