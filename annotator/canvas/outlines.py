"""Drawing what lies over the image: rings, paths and outlines that are seen on any photo."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from annotator.boxes import Box
from annotator.class_colours import class_colour
from annotator.session.document import Labels
from trainer.data.classes import BACKGROUND


def ink_colour(value: int) -> QColor:
    """The colour of thin lines of a class, lighter than its areas; white for background, void and erasing."""
    if value == BACKGROUND:
        return QColor(255, 255, 255)
    r, g, b = (round(0.6 * channel + 0.4 * 255) for channel in class_colour(value))
    return QColor(r, g, b)


def stroke_twice(
    painter: QPainter, path: QPainterPath, colour: QColor, dashed: bool = False, width: float = 2.0
) -> None:
    """Outline a path in `colour`, `width` logical pixels wide on the screen, over a shadow twice as wide."""
    ratio = painter.device().devicePixelRatio()  # cosmetic pens count device pixels
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for line_colour, across in ((QColor(0, 0, 0, 170), 2 * width), (colour, width)):
        pen = QPen(line_colour, across * ratio)
        pen.setCosmetic(True)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        if dashed and line_colour is colour:
            pen.setDashPattern([3.0, 2.5])
        painter.setPen(pen)
        painter.drawPath(path)


def outline(box: Box, cover: NDArray[np.bool_] | Labels) -> QPainterPath:
    """The boundary of the covered pixels of `box`, along pixel edges, in image coordinates."""
    top, left = box[:2]
    padded = np.pad(cover.astype(bool), 1)
    path = QPainterPath()
    for i, j in zip(*np.nonzero(padded[1:] != padded[:-1]), strict=True):
        _add(path, QLineF(left + j - 1, top + i, left + j, top + i))
    for i, j in zip(*np.nonzero(padded[:, 1:] != padded[:, :-1]), strict=True):
        _add(path, QLineF(left + j, top + i - 1, left + j, top + i))
    return path


def _add(path: QPainterPath, line: QLineF) -> None:
    path.moveTo(line.p1())
    path.lineTo(line.p2())
