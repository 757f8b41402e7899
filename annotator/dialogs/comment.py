"""What a reviewer has to say of images: the comment of a flag or of a rejection."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from annotator.widgets import explanation, heading


class CommentDialog(QDialog):
    """One line, which may stay empty."""

    given = Signal(str)

    def __init__(
        self, title: str, help: str, act: str, comment: str = "", parent: QWidget | None = None
    ) -> None:
        """`act` is what the button says, `comment` what was said before."""
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(420)
        self.line = QLineEdit(comment, placeholderText=self.tr("Comment, if there is something to say"))
        self.line.setAccessibleName(self.tr("Comment"))
        self.line.selectAll()
        cancel = QPushButton(self.tr("Cancel"), autoDefault=False)
        cancel.clicked.connect(self.reject)
        self.do = QPushButton(act, default=True)
        self.do.setProperty("accent", True)
        self.do.clicked.connect(self.accept)
        self.accepted.connect(lambda: self.given.emit(self.line.text().strip()))
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(self.do)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        layout.addWidget(heading(title))
        layout.addWidget(self.line)
        layout.addWidget(explanation(help))
        layout.addSpacing(4)
        layout.addLayout(buttons)
