"""Merging and deleting classes: says first how many photos it touches."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from annotator.class_colours import class_colour
from annotator.i18n import error_text
from annotator.session import Session
from annotator.widgets import SWATCH, ComboBox, explanation, swatch
from trainer.data import class_changes
from trainer.data.class_changes import Change
from trainer.data.class_rows import Meaning


class ClassRemoval(QDialog):
    """Asks whether classes are to be deleted or, when `merging`, which class they become part of."""

    def __init__(
        self, session: Session, ids: Sequence[int], merging: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._ids, self._merging = session, tuple(ids), merging
        classes = session.classes
        names = ", ".join(f"“{classes.name_of(id)}”" for id in self._ids)
        self.setWindowTitle(self.tr("Merge classes") if merging else self.tr("Delete classes"))
        self.setMinimumWidth(420)
        question = self.tr("Merge {names} into") if merging else self.tr("Delete {names}?")
        self.question = QLabel(question.format(names=names))
        self.question.setWordWrap(True)
        self.target = ComboBox()
        self.target.setIconSize(QSize(SWATCH, SWATCH))
        self.target.setAccessibleName(self.tr("Class that remains"))
        for id in classes.order:
            if id not in self._ids or len(self._ids) > 1:
                icon = QIcon(swatch(QColor(*class_colour(id)), ratio=self.devicePixelRatioF()))
                self.target.addItem(icon, classes.name_of(id), id)
        if len(self._ids) > 1:
            self.target.setCurrentIndex(self.target.findData(self._ids[0]))
        self.target.setVisible(merging)
        self.touched = QLabel(self.tr("Counting the photos that show it…"))
        self.touched.setWordWrap(True)
        self.problem = explanation(
            self.tr("Their pixels, strokes and tags become those of the class that remains.")
            if merging
            else self.tr("Their pixels and strokes become background, and their tags go.")
        )
        cancel = QPushButton(self.tr("Cancel"), autoDefault=False)
        cancel.clicked.connect(self.reject)
        self.confirm = QPushButton(self.tr("Merge") if merging else self.tr("Delete"), default=True)
        self.confirm.setProperty("accent", True)
        self.confirm.setEnabled(False)
        self.confirm.clicked.connect(self._change)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(self.confirm)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(self.question)
        layout.addWidget(self.target)
        layout.addWidget(self.touched)
        layout.addWidget(self.problem)
        layout.addSpacing(4)
        layout.addLayout(buttons)
        self._counting = session.class_editing.count(self._ids, self._counted)
        self.finished.connect(lambda _: self._counting.set())

    def _counted(self, photos: int) -> None:
        self.touched.setText(self.tr("Photos this touches: {n}. Ctrl+Z takes it back.").format(n=photos))
        self.confirm.setEnabled(True)

    def _change(self) -> None:
        into = self.target.currentData()

        def make(meaning: Meaning) -> Change:
            if self._merging:
                return class_changes.merge(meaning, [id for id in self._ids if id != into], into)
            return class_changes.delete(meaning, self._ids)

        self.confirm.setEnabled(False)
        self._session.class_editing.change(make, lambda _: self.accept(), self._refuse)

    def _refuse(self, error: Exception) -> None:
        self.problem.setText(error_text(error))
        self.confirm.setEnabled(True)
