"""The contact sheet: all masks that the models are sure of, to be looked at and accepted at once."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from annotator.class_colours import class_colours
from annotator.panels.image_list import RECORD, ImageList
from annotator.panels.thumbnails import Thumbnails
from annotator.session import Session
from annotator.theme import Theme
from annotator.widgets import Slider, explanation, heading
from trainer.data.classes import BACKGROUND, VOID
from trainer.data.images import thumbnail
from trainer.data.project import ImageRecord, Project, Status
from trainer.data.review_rows import Verdict
from trainer.errors import DataError

CELL = QSize(196, 178)
PICTURE = QSize(180, 132)
SIDE = 360  # of the pictures, so that they are sharp on dense screens
OPACITY = 0.45
FIRST = 90  # per cent
ID = Qt.ItemDataRole.DisplayRole


class ContactSheet(QDialog):
    """Photos with their masks above a confidence; a click leaves one out."""

    wanted = Signal(object)  # ids of the images to accept

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle(self.tr("Accept sure masks"))
        self.resize(880, 640)
        project = session.project
        assert project is not None
        self.thumbnails = Thumbnails(self, lambda image_id, path: with_mask(project, image_id, path))
        self.model = ImageList(self.thumbnails, self)
        self.left_out: set[str] = set()
        self.level = Slider()
        self.level.setRange(0, 100)
        self.level.setValue(FIRST)
        self.level.setAccessibleName(self.tr("Least confidence"))
        self.level.valueChanged.connect(self._choose)
        self._level = QLabel()
        self._level.setMinimumWidth(self._level.fontMetrics().horizontalAdvance("100 %"))
        self.view = Sheet()
        self.view.setAccessibleName(self.tr("Masks to accept"))
        self.view.setModel(self.model)
        self.view.setItemDelegate(Cell(theme, self.left_out, self.view))
        self.view.toggled.connect(self._toggle)
        self._count = explanation()
        self.do = QPushButton(default=True)
        self.do.setProperty("accent", True)
        self.do.clicked.connect(self._accept)
        self._lay_out()
        self._choose()

    @property
    def chosen(self) -> list[str]:
        """Ids of the images that would be accepted."""
        return [image_id for image_id in self.model.ids if image_id not in self.left_out]

    def done(self, result: int) -> None:
        """Stop making pictures."""
        self.thumbnails.close()
        super().done(result)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(QLabel(self.tr("At least as sure as")))
        top.addWidget(self.level, 1)
        top.addWidget(self._level)
        cancel = QPushButton(self.tr("Cancel"), autoDefault=False)
        cancel.clicked.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(cancel)
        foot.addWidget(self.do)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        layout.addWidget(heading(self.tr("Masks that nobody has corrected, of the images in the list")))
        layout.addWidget(
            explanation(self.tr("Look at each; a click, or Space, leaves one out. Ctrl+Z undoes it all."))
        )
        layout.addLayout(top)
        layout.addWidget(self.view, 1)
        layout.addLayout(foot)

    def _choose(self) -> None:
        level = self.level.value()
        self._level.setText(f"{level} %")
        records = self._session.records
        ids = [image_id for image_id in self._session.order if sure(records[image_id], level / 100)]
        ids.sort(key=lambda image_id: records[image_id].confidence or 0.0)  # the least sure are seen first
        self.model.show(records, ids)
        self._tell()

    def _toggle(self, index: QModelIndex) -> None:
        self.left_out.symmetric_difference_update({index.data(ID)})
        self.model.refresh_row(index.data(ID))
        self._tell()

    def _tell(self) -> None:
        chosen = self.chosen
        without = len(self.model.ids) - len(chosen)
        if self.model.ids:
            self._count.setText(
                self.tr("Masks: {n}, left out: {without}").format(n=len(self.model.ids), without=without)
            )
        else:
            self._count.setText(
                self.tr("No mask is that sure: propose for all images first, or ask for less.")
            )
        self.do.setText(self.tr("Accept {n}").format(n=len(chosen)))
        self.do.setEnabled(bool(chosen))

    def _accept(self) -> None:
        self.wanted.emit(self.chosen)
        self.accept()


class Sheet(QListView):
    """Pictures in rows; a click or Space toggles one."""

    toggled = Signal(QModelIndex)

    def __init__(self) -> None:
        super().__init__()
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSpacing(2)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.clicked.connect(self.toggled)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space toggles the picture that has the keyboard."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self.toggled.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)


class Cell(QStyledItemDelegate):
    """Paints one picture with name and confidence; faded where it is left out."""

    def __init__(self, theme: Theme, left_out: set[str], parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._left_out = theme, left_out

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """All are of one size."""
        return CELL

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one."""
        record: ImageRecord | None = index.data(RECORD)
        if record is None:
            return
        theme, out = self._theme, record.id in self._left_out
        cell: QRect = option.rect.adjusted(3, 3, -3, -3)  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        here = state & (QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_MouseOver)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent_soft" if here else "raised"))
        painter.drawRoundedRect(cell, 6, 6)
        frame = QRect(cell.left() + 5, cell.top() + 5, PICTURE.width(), PICTURE.height())
        picture: QPixmap = index.data(Qt.ItemDataRole.DecorationRole)
        painter.setOpacity(0.25 if out else 1.0)
        if not picture.isNull():
            size = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(frame.center())
            painter.drawPixmap(target, picture)
        painter.setOpacity(1.0)
        mark = ("mdi6.close-circle-outline", "muted") if out else ("mdi6.check-circle", "good")
        theme.icon(*mark).paint(painter, QRect(cell.right() - 24, cell.bottom() - 27, 18, 18))
        text = QRect(cell.left() + 8, cell.bottom() - 30, cell.width() - 38, 24)
        share = "" if record.confidence is None else f"{record.confidence:.0%}"
        metrics = painter.fontMetrics()
        painter.setPen(theme.colour("muted"))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, share)
        text.setRight(text.right() - metrics.horizontalAdvance(share) - 8)
        painter.setPen(theme.colour("faint" if out else "text"))
        name = metrics.elidedText(record.id, Qt.TextElideMode.ElideMiddle, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, name)
        painter.restore()


def sure(record: ImageRecord, level: float) -> bool:
    """Whether a mask may be accepted with others: nobody has touched it, and the models are that sure."""
    known = record.status is Status.PROPOSED and record.tagged and record.verdict is not Verdict.REJECTED
    return known and record.confidence is not None and record.confidence >= level


def with_mask(project: Project, image_id: str, path: Path) -> NDArray[np.uint8]:
    """A small picture of a photo with its mask over it, uint8 H×W×3; without where there is none."""
    photo = thumbnail(path, SIDE)
    try:
        mask = project.current_mask(image_id)
    except DataError:
        mask = None
    if mask is None:
        return photo
    height, width = photo.shape[:2]
    rows = (np.arange(height) * 2 + 1) * mask.shape[0] // (2 * height)
    columns = (np.arange(width) * 2 + 1) * mask.shape[1] // (2 * width)
    labels = mask[np.ix_(rows, columns)]
    shown = (labels != BACKGROUND) & (labels != VOID)
    mixed = (1 - OPACITY) * photo[shown] + OPACITY * class_colours()[labels[shown]]
    photo = photo.copy()
    photo[shown] = mixed.astype(np.uint8)
    return photo
