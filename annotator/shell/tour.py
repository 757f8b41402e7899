"""The guided tour: a minute in which the window shows its own parts, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from annotator.actions import Actions
from annotator.theme import Theme
from annotator.widgets import CrossButton

CARD_WIDTH = 330
GAP = 14  # between what is pointed at and the card
FORWARD = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Tab)
BACK = (Qt.Key.Key_Left, Qt.Key.Key_Backspace, Qt.Key.Key_Backtab)


@dataclass(frozen=True)
class Stop:
    """One part of the desk, by the name of its place; `{id}` in the text stands for the key of an action."""

    place: str
    title: str
    text: str


class Tour(QWidget):
    """Lies over the whole window and leaves one part of it bright; nothing else takes keys or clicks then."""

    finished = Signal()  # it was followed to its end

    def __init__(self, window: QWidget, actions: Actions, theme: Theme) -> None:
        super().__init__(window)
        self._window, self._actions, self._theme = window, actions, theme
        self._places: Mapping[str, Callable[[], QWidget]] = {}
        self._at = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.stops = self._stops()
        self.card = QFrame(self)
        self.card.setObjectName("popup")
        self.card.setFixedWidth(CARD_WIDTH)
        self._title, self._text, self._count = QLabel(), QLabel(), QLabel()
        self._title.setProperty("heading", True)
        self._text.setWordWrap(True)
        self._count.setProperty("muted", True)
        self.back = QPushButton(self.tr("Back"))
        self.back.clicked.connect(lambda: self._go(-1))
        self.forward = QPushButton()
        self.forward.setProperty("accent", True)
        self.forward.clicked.connect(lambda: self._go(1))
        cross = CrossButton(theme, self.tr("Leave the tour (Esc)"), self.leave)
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(cross)
        bottom.addWidget(self._count, 1)
        for button in (cross, self.back, self.forward):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        bottom.addWidget(self.back)
        bottom.addWidget(self.forward)
        layout = QVBoxLayout(self.card)
        layout.setContentsMargins(16, 10, 10, 12)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self._text)
        layout.addSpacing(4)
        layout.addLayout(bottom)
        window.installEventFilter(self)
        theme.changed.connect(self.update)
        self.hide()

    @property
    def stop(self) -> Stop:
        """Where it stands."""
        return self.stops[self._at]

    @property
    def target(self) -> QWidget:
        """What is pointed at."""
        return self._places[self.stop.place]()

    def start(self, places: Mapping[str, Callable[[], QWidget]]) -> None:
        """Begin at the first stop; `places` find the widget of each stop by its name."""
        self._places, self._at = places, 0
        self.show()
        self.setFocus()
        self._go(0)

    def leave(self) -> None:
        """End it; the photo has the keyboard again."""
        self.hide()
        self._places["photo"]().setFocus()

    def _stops(self) -> tuple[Stop, ...]:
        found = self.tr(
            "The list shows what is done: new, proposed, corrected, accepted. {next} and {previous} go from "
            "photo to photo."
        )
        tagged = self.tr(
            "{add_tag} adds a tag. The digit before a tag chooses its class for painting; {class_0} is "
            "background."
        )
        proposed = self.tr(
            "It is made from photo and tags alone. Hold {peek} to see the bare photo; {inspect} shows how "
            "the mask came about."
        )
        over = self.tr(
            "CAM, seed cues, mask and your strokes: show or hide each, or let the photo shine through."
        )
        grown = self.tr(
            "Seed cues are what is surely an object, or surely none. The sliders move them while you drag."
        )
        corrected = self.tr(
            "Paint with the brush ({brush}) where the mask is wrong; a click is often enough. The mask "
            "follows, and {undo} takes a stroke back."
        )
        accepted = self.tr(
            "{accept} accepts the mask and opens the next photo. After four corrected photos the program "
            "begins to learn from you."
        )
        exported = self.tr(
            "{export} writes a data set: VOC, COCO, labelme or YOLO. Nothing has to be saved before: each "
            "stroke is on disk."
        )
        return (
            Stop("images", self.tr("Your photos"), found),
            Stop("tags", self.tr("What is in the photo"), tagged),
            Stop("photo", self.tr("The proposed mask"), proposed),
            Stop("layers", self.tr("What lies over the photo"), over),
            Stop("seeds", self.tr("Where the mask grows from"), grown),
            Stop("brush", self.tr("Correct"), corrected),
            Stop("accept", self.tr("Accept"), accepted),
            Stop("export", self.tr("Take it with you"), exported),
        )

    def _go(self, steps: int) -> None:
        """Go to another stop; past the last one is the end."""
        self._at = max(0, self._at + steps)
        if self._at == len(self.stops):
            self._at -= 1
            self.leave()
            self.finished.emit()
            return
        stop, target = self.stop, self.target
        if isinstance(target, QDockWidget):  # it may have been put away, or lie behind another tab
            target.show()
            target.raise_()
        keys = {
            name: f"<b>{self._actions.key_text(name)}</b>"
            for _, name, _, _ in Formatter().parse(stop.text)
            if name
        }
        self._title.setText(stop.title)
        self._text.setText(stop.text.format(**keys))
        self._count.setText(self.tr("{n} of {total}").format(n=self._at + 1, total=len(self.stops)))
        self.back.setEnabled(self._at > 0)
        last = self._at == len(self.stops) - 1
        self.forward.setText(self.tr("Finish") if last else self.tr("Next"))
        self.setAccessibleName(stop.title)
        self.setAccessibleDescription(stop.text.format(**{n: self._actions.key_text(n) for n in keys}))
        QTimer.singleShot(0, self, self._place)  # once what was raised has its place

    def _bright(self) -> QRect:
        """Where what is pointed at lies in the window, with a little room around it."""
        target = self.target
        corner = target.mapTo(self._window, QPoint(0, 0))
        return QRect(corner, target.size()).adjusted(-3, -3, 3, 3).intersected(self.rect())

    def _place(self) -> None:
        """Cover the window, and lay the card beside what is pointed at."""
        self.setGeometry(self._window.rect())
        self.raise_()  # above docks that were raised
        layout = self.card.layout()
        assert layout is not None
        self.card.resize(CARD_WIDTH, layout.totalHeightForWidth(CARD_WIDTH))
        self.card.move(beside(self._bright(), self.card.size(), self.rect()))
        self.update()

    # -- Events ----------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the window."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            QTimer.singleShot(0, self, self._place)
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """No key is for a shortcut as long as it lasts, and Tab has nothing else to go to."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress:
            self.keyPressEvent(cast(QKeyEvent, event))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go on, back, or leave."""
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif event.key() in FORWARD and not event.isAutoRepeat():
            self._go(1)
        elif event.key() in BACK:
            self._go(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nothing below is clicked by accident."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Nothing below is scrolled."""
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Everything dark but the part that is pointed at."""
        bright = QPainterPath()
        bright.addRoundedRect(QRectF(self._bright()), 7, 7)
        dark = QPainterPath()
        dark.addRect(QRectF(self.rect()))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(dark - bright, QColor(0, 0, 0, 150 if self._theme.dark else 110))
        painter.setPen(QPen(self._theme.colour("accent"), 2))
        painter.drawPath(bright)
        painter.end()


def beside(target: QRect, size: QSize, room: QRect) -> QPoint:
    """Where a card fits into `room`: right, left, below or above the target, else upon its lower end."""
    width, height = size.width(), size.height()
    middle = QPoint(target.center().x() - width // 2, target.center().y() - height // 2)
    inside = room.adjusted(GAP, GAP, -GAP, -GAP)
    for corner in (
        QPoint(target.right() + GAP, middle.y()),
        QPoint(target.left() - GAP - width, middle.y()),
        QPoint(middle.x(), target.bottom() + GAP),
        QPoint(middle.x(), target.top() - GAP - height),
    ):
        x = min(max(corner.x(), inside.left()), inside.right() - width)
        y = min(max(corner.y(), inside.top()), inside.bottom() - height)
        if not QRect(QPoint(x, y), size).intersects(target):
            return QPoint(x, y)
    return QPoint(middle.x(), max(inside.top(), target.bottom() - 3 * GAP - height))
