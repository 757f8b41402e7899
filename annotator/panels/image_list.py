"""The images that the list shows, as a model: rows are looked up when they are painted."""

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from annotator.panels.thumbnails import Thumbnails
from trainer.data.project import ImageRecord, Status
from trainer.data.review_rows import Verdict

Index = QModelIndex | QPersistentModelIndex
RECORD = Qt.ItemDataRole.UserRole


class ImageList(QAbstractListModel):
    """The images that are shown, in their order; rows are looked up when they are painted, not before."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._thumbnails.arrived.connect(self.refresh_row)
        self.records: dict[str, ImageRecord] = {}
        self.ids: list[str] = []
        self._rows: dict[str, int] = {}

    def show(self, records: dict[str, ImageRecord], ids: list[str]) -> bool:
        """Show these of the records; whether they are others than before, or in another order."""
        self.records = records
        if ids == self.ids:
            return False
        self.beginResetModel()
        self.ids = ids
        self._rows = {image_id: row for row, image_id in enumerate(ids)}
        self.endResetModel()
        return True

    def index_of(self, image_id: str) -> QModelIndex:
        """Where an image stands; invalid when it is not shown."""
        return self.index(self._rows[image_id]) if image_id in self._rows else QModelIndex()

    def refresh_row(self, image_id: str) -> None:
        """Paint a row again."""
        index = self.index_of(image_id)
        if index.isValid():
            self.dataChanged.emit(index, index)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Number of images shown."""
        return 0 if parent.isValid() else len(self.ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, picture, record, or where it lies and what its status icon means as tool tip."""
        if not index.isValid() or index.row() >= len(self.ids):
            return None
        record = self.records.get(self.ids[index.row()])
        if record is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return record.id
            case Qt.ItemDataRole.DecorationRole:
                return self._thumbnails.get(record.id, record.path) or QPixmap()
            case Qt.ItemDataRole.ToolTipRole:
                return "\n".join((str(record.path), *self._told(record)))
            case _:
                return record if role == RECORD else None

    def _told(self, record: ImageRecord) -> list[str]:
        """What the icons of a row mean, and the comment of its review."""
        lines = [
            {
                Status.NEW: self.tr("New"),
                Status.PROPOSED: self.tr("Proposed"),
                Status.CORRECTED: self.tr("Corrected"),
                Status.ACCEPTED: self.tr("Accepted"),
            }[record.status]
        ]
        if record.status is Status.PROPOSED and record.confidence is not None:
            lines.append(self.tr("Confidence {share}").format(share=f"{record.confidence:.0%}"))
        if record.verdict is not Verdict.NONE:
            flagged = record.verdict is Verdict.FLAGGED
            said = self.tr("Flagged") if flagged else self.tr("Rejected")
            lines.append(f"{said}: {record.comment}" if record.comment else said)
        return lines
