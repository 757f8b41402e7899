"""Small widgets shared by several panels."""

import math
from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPalette, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator.theme import Theme

NOTE = Qt.ItemDataRole.UserRole + 1
"""Role of what is noted at the end of an item's row."""
NOTED_ROW = 28  # logical pixels
SWATCH = (
    14  # logical pixels; lists need it as the size of their icons, or they enlarge those of dense screens
)


def heading(text: str) -> QLabel:
    """A short bold line above a group of controls."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("heading", True)
    return label


def explanation(text: str = "") -> QLabel:
    """Muted, wrapped text that explains the control above it."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("muted", True)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label


def line() -> QFrame:
    """A thin line between two groups."""
    frame = QFrame()
    frame.setObjectName("line")
    return frame


def swatch(colour: QColor, side: int = SWATCH, ratio: float = 1.0) -> QPixmap:
    """A round-cornered square of a colour, `side` logical pixels wide."""
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(colour)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRoundedRect(0, 0, side, side, 3.5, 3.5)
    painter.end()
    return pixmap


class NotedDelegate(QStyledItemDelegate):
    """Draws the `NOTE` of an item, muted, at the end of its row; rows are high enough to be hit easily."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """The row, and the note over it."""
        super().paint(painter, option, index)
        colour = option.palette.color(QPalette.ColorRole.PlaceholderText)  # type: ignore[attr-defined]
        painter.setPen(colour)
        rect: QRect = option.rect.adjusted(0, 0, -10, 0)  # type: ignore[attr-defined]
        aligned = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(rect, aligned, str(index.data(NOTE)))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Rows of one height."""
        return QSize(super().sizeHint(option, index).width(), NOTED_ROW)


def scrolled(content: QWidget) -> QScrollArea:
    """`content`, scrolled where there is no room for it; Tab goes to what can be used in it only."""
    area = QScrollArea(widgetResizable=True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


class IconLabel(QLabel):
    """An icon, `side` logical pixels wide, in a named colour of the theme in use."""

    def __init__(self, theme: Theme, name: str, colour: str, side: int) -> None:
        super().__init__()
        self._theme, self._name, self._colour, self._side = theme, name, colour, side
        theme.changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        self.setPixmap(self._theme.icon(self._name, self._colour).pixmap(self._side, self._side))


class CrossButton(QToolButton):
    """A flat cross in the colours of the theme in use; `tip` also names it to a screen reader."""

    def __init__(self, theme: Theme, tip: str, act: Callable[[], object], side: int = 14) -> None:
        super().__init__()
        self._theme = theme
        self.setIconSize(QSize(side, side))
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.clicked.connect(lambda: act())
        theme.changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        self.setIcon(self._theme.icon("mdi6.close", "muted"))


class Slider(QSlider):
    """A horizontal slider; the wheel over it scrolls what it lies on, unless it has the keyboard."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move only where a person has gone to it."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ComboBox(QComboBox):
    """A list to choose from, opened by a click, Space or Enter; the wheel as with `Slider`."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the list, as Space does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.showPopup()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go along the list only where a person has gone to it."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ValueSlider(QWidget):
    """A slider over a range of real numbers, its name left and its value right, an explanation below."""

    moved = Signal(float)  # at every step of a drag
    released = Signal(float)  # once the value stands

    def __init__(
        self, name: str, low: float, high: float, help: str, logarithmic: bool = False, steps: int = 200
    ) -> None:
        super().__init__()
        self._low, self._high, self._log, self._steps = low, high, logarithmic, steps
        self._value = low
        self.slider = Slider()
        self.slider.setRange(0, steps)
        self.slider.setAccessibleName(name)
        self.slider.setMinimumHeight(20)
        self.slider.valueChanged.connect(self._follow)
        self.slider.sliderReleased.connect(lambda: self.released.emit(self._value))
        self._shown = QLabel()
        self._shown.setAlignment(Qt.AlignmentFlag.AlignRight)
        top = QHBoxLayout()
        top.addWidget(QLabel(name))
        top.addStretch()
        top.addWidget(self._shown)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.slider)
        layout.addWidget(explanation(help))
        self._write()

    @property
    def value(self) -> float:
        """The slider's number."""
        return self._value

    def set_value(self, value: float) -> None:
        """Set the number without emitting a signal."""
        self._value = min(max(value, self._low), self._high)
        if self._log:
            share = _log_share(self._value, self._low, self._high)
        else:
            share = (self._value - self._low) / (self._high - self._low)
        self.slider.blockSignals(True)
        self.slider.setValue(round(share * self._steps))
        self.slider.blockSignals(False)
        self._write()

    def _follow(self, position: int) -> None:
        share = position / self._steps
        if self._log:
            self._value = self._low * (self._high / self._low) ** share
        else:
            self._value = self._low + share * (self._high - self._low)
        self._write()
        (self.moved if self.slider.isSliderDown() else self.released).emit(self._value)

    def _write(self) -> None:
        self._shown.setText(f"{self._value:.1f}" if self._high > 1 else f"{self._value:.2f}")


def _log_share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)
