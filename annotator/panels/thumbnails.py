"""Small pictures of images, made off the GUI thread when they are first looked at."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from annotator.session.jobs import Jobs
from trainer.data.images import thumbnail

SIDE = 112
KEPT = 1500
WAITING = 60


class Thumbnails(QObject):
    """Pictures by image id. What was asked for last is made first; what scrolled past is forgotten."""

    arrived = Signal(str)

    def __init__(
        self,
        parent: QObject | None = None,
        picture: Callable[[str, Path], NDArray[np.uint8]] = lambda image_id, path: thumbnail(path, SIDE),
    ) -> None:
        """`picture` makes one off the GUI thread, uint8 H×W×3."""
        super().__init__(parent)
        self._picture = picture
        self._jobs = Jobs(1, self)
        self._made: LRUCache[str, QPixmap] = LRUCache(KEPT)
        self._wanted: OrderedDict[str, Path] = OrderedDict()
        self._working = False
        self._generation = 0  # of the project: names of images repeat from one to the next

    def get(self, image_id: str, path: Path) -> QPixmap | None:
        """The picture, or None while it is being made; a null one for an image that cannot be read."""
        if image_id in self._made:
            return self._made[image_id]
        self._wanted[image_id] = path
        self._wanted.move_to_end(image_id)
        while len(self._wanted) > WAITING:
            self._wanted.popitem(last=False)
        self._next()
        return None

    def clear(self) -> None:
        """Forget everything: another project is open."""
        self._made.clear()
        self._wanted.clear()
        self._generation += 1

    def close(self, timeout_ms: int = 1500) -> None:
        """Stop the thread."""
        self._wanted.clear()
        self._jobs.close(timeout_ms)

    def _next(self) -> None:
        if self._working or not self._wanted:
            return
        self._working = True
        image_id, path = self._wanted.popitem(last=True)
        generation = self._generation

        def arrived(image: QImage) -> None:
            self._working = False
            if generation == self._generation:
                self._made[image_id] = QPixmap.fromImage(image)
                self.arrived.emit(image_id)
            self._next()

        self._jobs.submit(
            lambda: to_qimage(self._picture(image_id, path)), arrived, lambda error: arrived(QImage())
        )


def to_qimage(rgb: NDArray[np.uint8]) -> QImage:
    """A QImage of its own from uint8 H×W×3."""
    rgb = np.ascontiguousarray(rgb)
    height, width, _ = rgb.shape
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
