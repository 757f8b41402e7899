"""What is dropped on the window: a folder or project file is opened, a photo as well, in its folder."""

from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QMimeData, QObject, QTimer, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMainWindow

from annotator.session import Session
from trainer.data.images import IMAGE_SUFFIXES

DRAGGED = (QEvent.Type.DragEnter, QEvent.Type.DragMove)


class Drops(QObject):
    """Takes what is dropped anywhere on a window; `folder_wanted` asks for a folder or project file."""

    folder_wanted = Signal(object)

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._photo: Path | None = None  # to be shown when its folder is open
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        session.project_opened.connect(lambda: QTimer.singleShot(0, self, self._show_photo))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept what can be opened, and open it."""
        if event.type() not in (*DRAGGED, QEvent.Type.Drop):
            return False
        drop = cast(QDropEvent, event)
        path = dropped(drop.mimeData())
        if path is None:
            return False
        drop.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.open(path)
        return True

    def open(self, path: Path) -> None:
        """Open a folder, a project file, or a photo; of the open project only the photo."""
        photo = path.suffix.lower() in IMAGE_SUFFIXES and not path.is_dir()
        self._photo = path if photo else None
        if not self._show_photo():
            self.folder_wanted.emit(path.parent if photo else path)

    def _show_photo(self) -> bool:
        """Show the photo that was dropped, if it is one of the open project."""
        wanted, self._photo = self._photo, None
        for record in self._session.records.values():
            if wanted is not None and record.path == wanted:
                self._session.open_image(record.id)
                return True
        self._photo = wanted
        return False


def dropped(data: QMimeData) -> Path | None:
    """The first folder, project file or photo of this computer among what is dragged; None without one."""
    paths = (Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile())
    return next((path for path in paths if _can_be_opened(path)), None)


def _can_be_opened(path: Path) -> bool:
    return path.suffix.lower() in (".sqlite", *IMAGE_SUFFIXES) or path.is_dir()
