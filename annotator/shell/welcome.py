"""The three steps from a photo to a mask for new users, and the page shown when nothing is open."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from annotator.session.cover import cover_of
from annotator.theme import Theme
from annotator.widgets import CrossButton, IconLabel, explanation, heading

COVER = QSize(56, 42)
RECENT_WIDTH = 420


class WelcomeStrip(QFrame):
    """Three steps in a row above the canvas, until they are put away."""

    dismissed = Signal()
    tour_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("bar", "info")
        steps = (
            (
                self.tr("Look"),
                self.tr("The tags say what is in the photo; the coloured mask is the proposal."),
            ),
            (
                self.tr("Correct"),
                self.tr("Paint where it is wrong: a digit chooses the class, 0 is background."),
            ),
            (
                self.tr("Accept"),
                self.tr(
                    "Enter accepts the mask and opens the next photo. The trainer learns in the background."
                ),
            ),
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 9, 8, 9)
        layout.setSpacing(12)
        for number, (name, text) in enumerate(steps, 1):
            badge = QLabel(str(number))
            badge.setFixedSize(22, 22)
            badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
            badge.setProperty("badge", True)
            words = QLabel(f"<b>{name}</b>&nbsp; {text}")
            words.setWordWrap(True)
            words.setAlignment(Qt.AlignmentFlag.AlignTop)
            words.setContentsMargins(0, 3, 0, 0)  # level with the number
            layout.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
            layout.addWidget(words, 1)
        self.tour = QPushButton(self.tr("Tour"))
        self.tour.setToolTip(self.tr("A minute in which the desk shows its own parts; Esc leaves it."))
        self.tour.setProperty("flat", True)
        self.tour.clicked.connect(self.tour_wanted)
        layout.addWidget(self.tour, 0, Qt.AlignmentFlag.AlignTop)
        away = self.tr("Hide the first steps; the Help menu shows them again")
        close = CrossButton(theme, away, self.dismissed.emit)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)


class EmptyDesk(QWidget):
    """Stands in the place of the canvas while no project is open."""

    folder_wanted = Signal()
    sample_wanted = Signal()
    recent_wanted = Signal(object)

    def __init__(self, theme: Theme, recent: list[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        icon = IconLabel(theme, "mdi6.image-multiple-outline", "faint", 64)
        icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel(self.tr("From tags to masks"))
        title.setProperty("title", True)
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text = explanation(
            self.tr(
                "Open a folder of photos. Tag what is in each, watch the proposed mask, "
                "and correct it with a few strokes."
            )
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setFixedSize(420, text.heightForWidth(420))
        folder = QPushButton(self.tr("Open folder…"))
        folder.setProperty("accent", True)
        folder.clicked.connect(self.folder_wanted)
        sample = QPushButton(self.tr("Open the sample"))
        sample.clicked.connect(self.sample_wanted)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(folder)
        buttons.addWidget(sample)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setSpacing(14)
        layout.addStretch()
        layout.addWidget(icon)
        layout.addWidget(title)
        layout.addWidget(text, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addLayout(buttons)
        if recent:
            lately = heading(self.tr("Opened lately"))
            lately.setFixedWidth(RECENT_WIDTH)
            lately.setContentsMargins(8, 6, 0, 0)  # level with the pictures
            layout.addWidget(lately, 0, Qt.AlignmentFlag.AlignHCenter)
        for path in recent[:5]:
            link = QPushButton(f"{path.name}\n{path.parent}")
            link.setProperty("recent", True)
            cover = cover_of(path)
            none = theme.icon("mdi6.folder-outline", "faint")
            link.setIcon(QIcon(str(cover)) if cover.is_file() else none)
            link.setIconSize(COVER)
            link.setFixedWidth(RECENT_WIDTH)
            link.setToolTip(str(path))
            link.clicked.connect(lambda _=False, path=path: self.recent_wanted.emit(path))
            layout.addWidget(link, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
