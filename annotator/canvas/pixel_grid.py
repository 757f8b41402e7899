"""The pixel grid: lines between the pixels of a photo that is much enlarged."""

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPen

GRID_FROM = 10.0
"""Screen pixels per image pixel from which on the lines are drawn: below, they would hide the photo."""
LIGHT, DARK = QColor(255, 255, 255, 60), QColor(0, 0, 0, 80)


def draw_grid(painter: QPainter, exposed: QRectF, image: QSize) -> None:
    """Draw the lines inside `exposed` (image coordinates): light beside dark, to be seen on any photo."""
    part = exposed & QRectF(0, 0, image.width(), image.height())
    if part.isEmpty():
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    step = 1 / painter.combinedTransform().m11()  # one pixel of the screen
    columns = np.arange(np.floor(part.left()), np.ceil(part.right()) + 1).tolist()
    rows = np.arange(np.floor(part.top()), np.ceil(part.bottom()) + 1).tolist()
    for colour, aside in ((DARK, 0.0), (LIGHT, step)):
        pen = QPen(colour, 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawLines(
            [QLineF(x + aside, part.top(), x + aside, part.bottom()) for x in columns]
            + [QLineF(part.left(), y + aside, part.right(), y + aside) for y in rows]
        )
