"""The cover of a project: a small picture of a photo, by which it is known in the lists of recent ones."""

from pathlib import Path

from PIL import Image
from PySide6.QtCore import QObject

from annotator.session.document import Labels
from annotator.session.state import SessionState
from trainer.data.atomic import write_atomically
from trainer.data.project import Project
from trainer.data.source import PROJECT_FOLDER

SIDE = 144  # pixels: sharp at 72 logical ones on dense screens
NAME = "cover.png"


class Cover(QObject):
    """Keeps a picture of the photo with which a project was opened, among its caches."""

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self._state = state
        self._pictured: Project | None = None
        state.image_changed.connect(self._picture)

    def _picture(self) -> None:
        state, project, document = self._state, self._state.project, self._state.document
        if project is None or document is None or project is self._pictured or state.read_only:
            return
        self._pictured = project
        photo = document.levels[-1]

        def without(error: Exception) -> None:
            """It is a cache: the list shows no picture then, and strokes tell of a disk that is full."""

        state.writer.submit(lambda: write_cover(photo, project.caches / NAME), failed=without)


def write_cover(photo: Labels, file: Path) -> None:
    """Write a photo (uint8 H×W×3), reduced. Raises DataError where it cannot be written."""
    picture = Image.fromarray(photo)
    picture.thumbnail((SIDE, SIDE))
    file.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(file) as temporary:
        picture.save(temporary, "PNG")


def cover_of(folder: Path) -> Path:
    """Where the cover of a folder's project lies, if it has one."""
    return folder / PROJECT_FOLDER / "caches" / NAME
