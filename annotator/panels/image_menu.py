"""The menu of the images that are chosen in the list."""

from collections.abc import Sequence

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from annotator.actions import Actions
from annotator.session import Session
from trainer.data.project import ImageRecord

FOR_SEVERAL = ("accept_chosen", "tag_chosen", "flag", "reject", "clear_review")


class ImageMenu(QMenu):
    """Opens an image, shows where it lies, copies its name; tags, accepts and reviews one or several."""

    def __init__(
        self, session: Session, records: Sequence[ImageRecord], actions: Actions | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        if len(records) == 1:
            (record,) = records
            folder = QUrl.fromLocalFile(str(record.path.parent))
            self.addAction(self.tr("Open"), lambda: session.open_image(record.id))
            self.addAction(self.tr("Show in folder"), lambda: QDesktopServices.openUrl(folder))
            copy = self.tr("Copy file name")
        else:
            copy = self.tr("Copy {n} file names").format(n=len(records))
        names = "\n".join(record.path.name for record in records)
        self.addAction(copy, lambda: QGuiApplication.clipboard().setText(names))
        if actions is not None:
            self.addSeparator()
            self.addActions([actions[name] for name in FOR_SEVERAL])
