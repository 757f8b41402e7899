"""How one image looks in the list: picture, name, tags, confidence, review and status."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from annotator.theme import Theme
from trainer.data.project import ImageRecord, Status
from trainer.data.review_rows import Verdict

HEIGHT = 58
PICTURE = QSize(60, 46)
ICONS = {
    Status.NEW: ("mdi6.circle-outline", "faint"),
    Status.PROPOSED: ("mdi6.auto-fix", "muted"),
    Status.CORRECTED: ("mdi6.brush", "accent"),
    Status.ACCEPTED: ("mdi6.check-circle", "good"),
}
VERDICTS = {
    Verdict.FLAGGED: ("mdi6.flag", "warn"),
    Verdict.REJECTED: ("mdi6.close-circle", "bad"),
}


class ImageRow(QStyledItemDelegate):
    """Paints a row of the Images panel."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """All rows are equally high."""
        return QSize(120, HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        record: ImageRecord | None = index.data(Qt.ItemDataRole.UserRole)
        if record is None:
            return
        theme = self._theme
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        row: QRect = option.rect.adjusted(4, 1, -4, -1)  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent_soft" if selected else "hover"))
            painter.drawRoundedRect(row, 6, 6)
        picture = QRect(
            row.left() + 6, row.center().y() - PICTURE.height() // 2, PICTURE.width(), PICTURE.height()
        )
        self._paint_picture(painter, picture, index.data(Qt.ItemDataRole.DecorationRole))
        status = QRect(row.right() - 24, row.top() + 9, 17, 17)
        theme.icon(*ICONS[record.status]).paint(painter, status)
        left, right = picture.right() + 10, status.left() - 6
        if record.verdict in VERDICTS:
            mark = status.translated(-20, 0)
            theme.icon(*VERDICTS[record.verdict]).paint(painter, mark)
            right = mark.left() - 4
        text = QRect(left, row.top() + 8, right - left, 19)
        metrics = painter.fontMetrics()
        painter.setPen(theme.colour("text"))
        painter.drawText(
            text,
            Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(record.id, Qt.TextElideMode.ElideMiddle, text.width()),
        )
        tags = ", ".join(record.tags) or (
            self.tr("background only") if record.tagged else self.tr("no tags yet")
        )
        text.translate(0, 20)
        text.setRight(row.right() - 8)
        painter.setPen(theme.colour("muted"))
        if record.status is Status.PROPOSED and record.confidence is not None:
            painter.drawText(
                text,
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                f"{record.confidence:.0%}",
            )
            text.setRight(text.right() - metrics.horizontalAdvance("100%") - 8)
        painter.drawText(
            text,
            Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(tags, Qt.TextElideMode.ElideRight, text.width()),
        )
        painter.restore()

    def _paint_picture(self, painter: QPainter, frame: QRect, picture: QPixmap) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(frame), 4, 4)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(frame, self._theme.colour("raised"))
        if not picture.isNull():
            size = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(frame.center())
            painter.drawPixmap(target, picture)
        painter.restore()
