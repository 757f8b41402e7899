"""The photos of the open project's folder: those that came since, moved, are gone, or are others by now."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.data.project import Changes, ImageRecord, Project

READ_AFTER_MS = 5000
"""Photos that nobody has opened yet are read this long after the project was opened, when it is at rest."""
BATCH = 32


class Rescan(QObject):
    """Looks for new photos and reports what was found, also after a project was opened.

    Every photo is read once in the background, so that it is known again wherever it moves to.
    """

    renewed = Signal(object)  # ids of images that have another photo than before

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        super().__init__(state)
        self._state, self._proposals = state, proposals
        self._looking: Project | None = None
        self._timer = QTimer(self, interval=READ_AFTER_MS, singleShot=True)
        self._timer.timeout.connect(self.read_all)
        state.project_opened.connect(self._opened)

    def look(self) -> None:
        """Look for new photos in the job pool."""
        self._look(self.tr("There are no new photos."))

    def find(self, image_id: str, open_again: Callable[[str], object]) -> None:
        """Look for the photo of an image in whose place another one lies; if it is there, open it again."""
        self._look(then=lambda: self._state.records[image_id].path.exists() and open_again(image_id))

    def read_all(self) -> None:
        """Read the photos in the job pool that were not read yet; one that is another is told of."""
        state, project = self._state, self._state.project
        if project is None:
            return

        def read(waiting: list[str], same: bool) -> None:
            if state.project is not project:
                return
            if waiting:
                batch, rest = waiting[:BATCH], waiting[BATCH:]
                state.jobs.submit(
                    lambda: project.read_photos(batch, ended),
                    lambda alike: read(rest, same and alike),
                    stop,
                    -2,
                )
            elif not same:
                self._look()

        def ended() -> bool:
            return state.jobs.closed or state.project is not project

        def stop(error: Exception) -> None:
            """The project was closed meanwhile, or cannot be read: whoever works on it is told of that."""

        state.jobs.submit(project.unread_photos, lambda unread: read(unread, True), stop, -2)

    def _look(self, otherwise: str = "", then: Callable[[], object] | None = None) -> None:
        state, project = self._state, self._state.project
        if project is None or self._looking is project:
            return
        self._looking = project

        def found(records: list[ImageRecord]) -> None:
            if state.project is project:
                self._looking = None
                changes = project.changes
                if changes.renewed:
                    state.predictor.forget()
                    self.renewed.emit(changes.renewed)
                if changes.moved or changes.renewed or project.problems:
                    state.renew(records)
                else:
                    state.take_in(records)
                self._follow_tags(changes.tagged)
                self._tell(project, otherwise)
                if then is not None and not changes.renewed:
                    then()

        def refused(error: Exception) -> None:
            if state.project is project:
                self._looking = None
                state.report(error)

        def look() -> list[ImageRecord]:
            project.rescan(most=None)
            return project.images()

        state.jobs.submit(look, found, refused)

    def _follow_tags(self, images: tuple[str, ...]) -> None:
        """Show the tags that were found for images that had none, and propose for the open one again."""
        state = self._state
        for image_id in images:
            state.reload_record(image_id)
        if state.document is not None and state.document.id in images:
            state.document.suggestions = ()
            state.suggestions_changed.emit()
            self._proposals.ask_unless_accepted()

    def _opened(self) -> None:
        assert self._state.project is not None
        self._tell(self._state.project)
        self._timer.start()

    def _tell(self, project: Project, otherwise: str = "") -> None:
        changes, problems = project.changes, project.problems
        text = otherwise
        if changes != Changes():
            text = self.tr("New photos: {new}. No longer in the folder: {gone}.").format(
                new=changes.new, gone=changes.gone
            )
        if changes.moved:
            more = self.tr("Found again under another name: {n}.").format(n=changes.moved)
            text = f"{text} {more}"
        if changes.renewed:
            more = self.tr("Other photos than before: {n}.").format(n=len(changes.renewed))
            text = f"{text} {more}"
        if changes.tagged:
            more = self.tr("Newly tagged from the lists in the folder: {n}.").format(n=len(changes.tagged))
            text = f"{text} {more}"
        if text:
            self._state.message.emit("info", text)
        self._state.warn(problems)
