"""The CAM's scale bar: which colour means which score."""

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QTransform

from annotator.canvas.colours import heat_lut

WIDTH, HEIGHT, EDGE = 150, 9, 12


def draw_scale_bar(painter: QPainter, view: QRect, title: str, strength: float) -> None:
    """Draw a titled bar from 0 to 1 in the lower left corner of `view` (logical pixels)."""
    metrics = painter.fontMetrics()
    line = metrics.height()
    plate = QRectF(EDGE, view.height() - EDGE - (2 * line + HEIGHT + 18), WIDTH + 24, 2 * line + HEIGHT + 18)
    painter.save()
    painter.setWorldTransform(QTransform())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    rounded = QPainterPath()
    rounded.addRoundedRect(plate, 6, 6)
    painter.fillPath(rounded, QColor(18, 20, 24, 205))
    painter.setPen(QColor(240, 242, 245))
    left, width = plate.left() + 12, float(WIDTH)
    painter.drawText(QRectF(left, plate.top() + 6, width, line), Qt.AlignmentFlag.AlignLeft, title)
    lut = heat_lut(strength)
    bar = QRectF(left, plate.top() + line + 9, width, HEIGHT)
    painter.fillRect(bar, QColor(112, 116, 122))
    gradient = QImage(lut.data, 256, 1, 1024, QImage.Format.Format_ARGB32_Premultiplied)
    painter.drawImage(bar, gradient)
    painter.setPen(QColor(200, 204, 210))
    under = bar.bottom() + 2
    for text, align in (
        ("0", Qt.AlignmentFlag.AlignLeft),
        ("0.5", Qt.AlignmentFlag.AlignHCenter),
        ("1", Qt.AlignmentFlag.AlignRight),
    ):
        painter.drawText(QRectF(QPointF(left, under), bar.size()).adjusted(0, 0, 0, line), align, text)
    painter.restore()
