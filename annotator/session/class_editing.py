"""Changes to the classes of the project: written off the GUI thread, followed by all that is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import Event

from PySide6.QtCore import QCoreApplication, QObject, Signal

from annotator.session.document import Document
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.data.class_changes import Change, MadeChange
from trainer.data.class_rows import Meaning
from trainer.data.project import ImageRecord, Project

CHANGING = "classes"
"""While this is under way, no other image is opened."""


@dataclass(frozen=True)
class Outcome:
    """What was written: the change, None where there was nothing to change; then all images as they are now,
    and the open one, read again if its pixels may be of another class than they were.
    """

    made: MadeChange | None
    records: list[ImageRecord] = field(default_factory=list)
    document: Document | None = None


class ClassEditing(QObject):
    """Renames, recolours, merges, deletes and orders classes, and takes such changes back."""

    changed = Signal(object, bool)  # MadeChange, and whether it was taken back
    relabelled = Signal(object)  # the open image as a Document, read again

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        super().__init__(state)
        self._state, self._proposals = state, proposals

    def change(
        self,
        make: Callable[[Meaning], Change],
        done: Callable[[MadeChange | None], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        """Make a change; then call `done` with it, None where it changes nothing, or `failed`."""

        def write(project: Project) -> MadeChange | None:
            return project.change_classes(make(project.class_meaning))

        self._write(write, undone=False, done=done, failed=failed)

    def undo(self, failed: Callable[[Exception], object] | None = None) -> None:
        """Take the last change back, whatever was painted since."""
        self._write(Project.undo_class_change, undone=True, done=None, failed=failed)

    def redo(self, failed: Callable[[Exception], object] | None = None) -> None:
        """Bring back the change that was taken back last."""
        self._write(Project.redo_class_change, undone=False, done=None, failed=failed)

    def count(self, ids: Collection[int], counted: Callable[[int], object]) -> Event:
        """Count the photos that show classes, in the pool. The event that is returned, once set, ends it."""
        state, project, cancel = self._state, self._state.project, Event()
        assert project is not None

        def arrived(photos: list[str] | None) -> None:
            if photos is not None and not cancel.is_set():
                counted(len(photos))

        state.jobs.submit(
            lambda: project.photos_with(ids, lambda: cancel.is_set() or state.jobs.closed),
            arrived,
            state.report,
        )
        return cancel

    def step(self, forward: bool) -> None:
        """Take the last change back or, with `forward`, bring one back, and say so in a message."""
        state = self._state
        told = self.tr("Brought back: {change}.") if forward else self.tr("Taken back: {change}.")

        def done(made: MadeChange | None) -> None:
            if made is not None:
                state.message.emit("info", told.format(change=change_title(made)))

        write = Project.redo_class_change if forward else Project.undo_class_change
        self._write(write, undone=not forward, done=done, failed=None)

    def _write(
        self,
        write: Callable[[Project], MadeChange | None],
        undone: bool,
        done: Callable[[MadeChange | None], object] | None,
        failed: Callable[[Exception], object] | None,
    ) -> None:
        state, project, shown = self._state, self._state.project, self._state.document
        if project is None or not state.may_leave():
            return
        state.set_busy(CHANGING, self.tr("Changing the classes…"))

        def work() -> Outcome:
            made = write(project)
            if made is None:
                return Outcome(None)
            document = None
            if made.relabels and shown is not None:
                document = Document.load(project, shown.id, shown.levels)
            return Outcome(made, project.images(), document)

        def written(outcome: Outcome) -> None:
            state.set_busy(CHANGING, None)
            if outcome.made is not None and state.project is project:
                self._follow(outcome.made, outcome, undone)
            if done is not None:
                done(outcome.made)

        def refused(error: Exception) -> None:
            state.set_busy(CHANGING, None)
            (failed or state.report)(error)

        state.writer.submit(work, written, refused)

    def _follow(self, made: MadeChange, outcome: Outcome, undone: bool) -> None:
        state = self._state
        state.renew(outcome.records)
        if outcome.document is not None:
            self.relabelled.emit(outcome.document)
        else:
            state.renew_classes()
            self._proposals.ask_again()  # what is on its way goes by the former names
        self.changed.emit(made, undone)


def change_title(made: MadeChange) -> str:
    """What a change is called in a sentence on it."""
    text = {
        "rename": QCoreApplication.translate("classes", "“{first}” renamed to “{last}”"),
        "recolour": QCoreApplication.translate("classes", "New colour of “{first}”"),
        "merge": QCoreApplication.translate("classes", "{others} merged into “{last}”"),
        "delete": QCoreApplication.translate("classes", "{names} deleted"),
        "order": QCoreApplication.translate("classes", "Classes in another order"),
        "stuff": QCoreApplication.translate("classes", "Kind of “{first}” changed"),
        "load": QCoreApplication.translate("classes", "Classes of a file taken over"),
    }[made.kind]
    quoted = [f"“{name}”" for name in made.names]
    return text.format(
        first=made.names[0] if made.names else "",
        last=made.names[-1] if made.names else "",
        others=", ".join(quoted[:-1]),
        names=", ".join(quoted),
    )
