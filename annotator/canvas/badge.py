"""The badge in the corner of the canvas: the mask is still a preview, or there is none yet."""

from PySide6.QtCore import QCoreApplication, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QTransform

from annotator.session import Session

EDGE, PADDING = 12, 9
HEIGHT = 24


def badge_text(session: Session) -> str:
    """What is still pending for the open image's mask, "" for nothing; an accepted mask stays as it is."""
    document, proposal = session.document, session.proposal
    awaited = session.waits_for("propose") or session.waits_for("engine")
    if document is None or document.accepted or not awaited:
        return ""
    if proposal is None:
        return QCoreApplication.translate("badge", "Proposing a mask…")
    return QCoreApplication.translate("badge", "Preview · full mask follows") if proposal.fast else ""


def badge_strip(view: QRect) -> QRect:
    """The part of `view` that a badge of any length may lie in (logical pixels)."""
    return QRect(0, 0, view.width(), EDGE + HEIGHT + 1)


def draw_badge(painter: QPainter, view: QRect, text: str) -> None:
    """Draw `text` on a plate in the upper right corner of `view` (logical pixels)."""
    width = painter.fontMetrics().horizontalAdvance(text) + 2 * PADDING
    plate = QRectF(view.width() - EDGE - width, EDGE, width, HEIGHT)
    painter.save()
    painter.setWorldTransform(QTransform())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    rounded = QPainterPath()
    rounded.addRoundedRect(plate, HEIGHT / 2, HEIGHT / 2)
    painter.fillPath(rounded, QColor(18, 20, 24, 205))
    painter.setPen(QColor(240, 242, 245))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
