"""A tag for several images: given to all of them, or taken from them."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from annotator.widgets import ComboBox, explanation, heading
from trainer.data.batch_rows import BatchKind


class TagManyDialog(QDialog):
    """A class to choose, and what is to be done with it."""

    wanted = Signal(object, str)  # BatchKind, name of the class

    def __init__(
        self, count: int, classes: Sequence[str], used: Sequence[str], parent: QWidget | None = None
    ) -> None:
        """`used` are the classes that some of the images are tagged with: they come first."""
        super().__init__(parent)
        several = self.tr("Tags of {n} images").format(n=count)
        title = several if count > 1 else self.tr("Tags of this image")
        self.setWindowTitle(title)
        self.setMinimumWidth(420)
        self._used = frozenset(used)
        self.choice = ComboBox()
        self.choice.setAccessibleName(self.tr("Class"))
        self.choice.addItems([*used, *(name for name in classes if name not in self._used)])
        self.choice.currentTextChanged.connect(self._follow)
        self.remove = QPushButton(self.tr("Take the tag away"), autoDefault=False)
        self.remove.clicked.connect(lambda: self._want(BatchKind.UNTAG))
        self.add = QPushButton(self.tr("Give the tag"), default=True)
        self.add.setProperty("accent", True)
        self.add.clicked.connect(lambda: self._want(BatchKind.TAG))
        cancel = QPushButton(self.tr("Cancel"), autoDefault=False)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch()
        for button in (cancel, self.remove, self.add):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        layout.addWidget(heading(title))
        layout.addWidget(self.choice)
        layout.addWidget(
            explanation(
                self.tr(
                    "Other tags stay. Masks are proposed again when their images are opened, or by Ctrl+P."
                )
            )
        )
        layout.addSpacing(4)
        layout.addLayout(buttons)
        self._follow(self.choice.currentText())

    def _follow(self, name: str) -> None:
        self.add.setEnabled(bool(name))
        self.remove.setEnabled(name in self._used)

    def _want(self, kind: BatchKind) -> None:
        self.wanted.emit(kind, self.choice.currentText())
        self.accept()
