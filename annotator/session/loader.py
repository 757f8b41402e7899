"""Opening images in the job pool, the next one ahead of time."""

from PySide6.QtCore import QObject, Signal

from annotator.session.document import Document
from annotator.session.jobs import Jobs
from trainer.data.project import Project


class DocumentLoader(QObject):
    """Loads documents; of several requested in quick succession only the last is delivered."""

    loaded = Signal(object)  # Document
    failed = Signal(str, object)  # image id, exception

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._wanted = ""
        self._ahead: Document | None = None
        self._under_way: set[str] = set()

    def open(self, project: Project, image_id: str) -> None:
        """Load an image from disk, or take it from the one prefetched."""
        self._wanted = image_id
        if self._ahead is not None and self._ahead.id == image_id:
            document, self._ahead = self._ahead, None
            self._wanted = ""
            self.loaded.emit(document)
        elif image_id not in self._under_way:
            self._load(project, image_id, priority=10)

    def prefetch(self, project: Project, image_id: str) -> None:
        """Load an image that will probably be opened next."""
        if image_id not in self._under_way and (self._ahead is None or self._ahead.id != image_id):
            self._load(project, image_id, priority=-1)

    def clear(self) -> None:
        """Forget pending loads: another project is opened, or none."""
        self._wanted, self._ahead = "", None
        self._under_way = set()  # a new one: another project may have images of the same names

    def _load(self, project: Project, image_id: str, priority: int) -> None:
        under_way = self._under_way
        under_way.add(image_id)

        def arrived(document: Document) -> None:
            if under_way is not self._under_way:
                return
            under_way.discard(image_id)
            if image_id == self._wanted:
                self._wanted = ""
                self.loaded.emit(document)
            else:
                self._ahead = document

        def refused(error: Exception) -> None:
            if under_way is not self._under_way:
                return
            under_way.discard(image_id)
            if image_id == self._wanted:
                self._wanted = ""
                self.failed.emit(image_id, error)

        self._jobs.submit(lambda: Document.load(project, image_id), arrived, refused, priority)
