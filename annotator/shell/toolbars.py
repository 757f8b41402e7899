"""Both tool bars, made from the table of actions."""

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from annotator.actions import Actions, spec_of, translated
from annotator.canvas.tools import TOOLS
from annotator.session import Session
from annotator.settings import BRUSH_SHARES
from annotator.theme import Theme
from annotator.widgets import Slider
from trainer.data.project import Status

ICON = QSize(20, 20)
STEPS = 200


class MainBar(QToolBar):
    """Files, history, what is painted on, the brush's size, and the one button that counts: accept."""

    def __init__(self, actions: Actions, session: Session, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("main")
        self.setWindowTitle(self.tr("Main tool bar"))
        self.setMovable(False)
        self.setIconSize(ICON)
        self._actions, self._session, self._theme = actions, session, theme
        for action_id in ("open_folder", "export", "", "undo", "redo", "", "previous", "next", ""):
            if action_id:
                self.addAction(actions[action_id])
            else:
                self.addSeparator()
        self.addWidget(_caption(self.tr("Paint on")))
        targets = QWidget()
        row = QHBoxLayout(targets)
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(4)
        for action_id, text in (("paint_seeds", self.tr("Seeds")), ("paint_mask", self.tr("Mask"))):
            button = QToolButton()
            button.setProperty("segment", True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setDefaultAction(actions[action_id])
            actions[action_id].setIconText(text)
            row.addWidget(button)
        self.addWidget(targets)
        self.addAction(actions["protect"])
        self.addAction(actions["only_here"])
        self.addSeparator()
        self.addWidget(_caption(self.tr("Size")))
        self.size_slider = Slider()
        self.size_slider.setRange(0, STEPS)
        self.size_slider.setFixedWidth(110)
        self.size_slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.size_slider.setAccessibleName(self.tr("Brush size"))
        self.size_slider.valueChanged.connect(self._resize)
        self.addWidget(self.size_slider)
        self._size = QLabel()
        self._size.setFixedWidth(50)
        self._size.setContentsMargins(4, 0, 0, 0)
        self._size.setProperty("muted", True)
        self.addWidget(self._size)
        self.addSeparator()
        self.addAction(actions["inspect"])
        spring = QWidget()
        spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spring)
        self.accept = QPushButton()
        self.accept.setProperty("accent", True)
        self.accept.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.accept.clicked.connect(actions["accept"].trigger)
        actions["accept"].enabledChanged.connect(self.accept.setEnabled)
        holder = QWidget()
        right = QHBoxLayout(holder)
        right.setContentsMargins(4, 0, 6, 0)
        right.addWidget(self.accept)
        self.addWidget(holder)
        actions.keys_changed.connect(self._label)
        theme.changed.connect(self._label)
        session.image_changed.connect(self._label)
        session.record_changed.connect(self._label)
        session.paint_changed.connect(self._follow)
        self._label()
        self._follow()

    def _label(self) -> None:
        record = self._session.record
        accepted = record is not None and record.status is Status.ACCEPTED
        text = self.tr("Accepted · next") if accepted else translated(spec_of("accept").text)
        self.accept.setText(text.replace("&", "&&"))
        icon = "mdi6.check-circle" if accepted else "mdi6.check-bold"
        self.accept.setIcon(self._theme.icon(icon, "accent_text"))
        self.accept.setToolTip(self._actions["accept"].toolTip())
        self.size_slider.setToolTip(
            self.tr(
                "Diameter of the brush in pixels of the photo. {smaller} and {larger} or Ctrl + wheel "
                "change it."
            ).format(smaller=self._actions.key_text("smaller"), larger=self._actions.key_text("larger"))
        )

    def _resize(self, position: int) -> None:
        low, high = BRUSH_SHARES
        self._session.brush_share = low * (high / low) ** (position / STEPS)

    def _follow(self) -> None:
        low, high = BRUSH_SHARES
        self.size_slider.blockSignals(True)
        self.size_slider.setValue(round(STEPS * _log(self._session.brush_share / low, high / low)))
        self.size_slider.blockSignals(False)
        self._size.setText(f"{2 * self._session.brush_radius:.0f} px")


class ToolsBar(QToolBar):
    """The painting tools, one above the other at the canvas's left."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tools")
        self.setWindowTitle(self.tr("Tools"))
        self.setMovable(False)
        self.setIconSize(ICON)
        self.setOrientation(Qt.Orientation.Vertical)
        for tool in TOOLS:
            self.addAction(actions[tool.name])
        self.addSeparator()
        self.addAction(actions["fit"])
        self.addAction(actions["undecided"])


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("muted", True)
    label.setContentsMargins(4, 0, 5, 0)
    return label


def _log(value: float, base: float) -> float:
    return math.log(value) / math.log(base)
