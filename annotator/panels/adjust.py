"""Brightness, contrast and gamma of the photo: three sliders over the canvas, and a way back."""

import math

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from annotator.canvas.look import GAMMAS, Look
from annotator.widgets import Slider, explanation, heading

STEPS = 100  # of a slider to either side of its middle
WIDTH = 330


class AdjustPopup(QFrame):
    """Stands beside its button until a press elsewhere or Esc puts it away; the photo follows every step."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)  # round corners
        self.setFixedWidth(WIDTH)
        self._look = look
        names = {
            "brightness": self.tr("Brightness"),
            "contrast": self.tr("Contrast"),
            "gamma": self.tr("Gamma"),
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 12, 14, 12)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(9)
        grid.setColumnStretch(1, 1)
        grid.addWidget(heading(self.tr("The photo on the screen")), 0, 0, 1, 3)
        self.sliders: dict[str, Slider] = {}
        self._values: dict[str, QLabel] = {}
        for row, (name, text) in enumerate(names.items(), 1):
            slider, value = Slider(), QLabel()
            slider.setRange(-STEPS, STEPS)
            slider.setPageStep(10)
            slider.setAccessibleName(text)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setMinimumWidth(value.fontMetrics().horizontalAdvance("+100"))
            slider.valueChanged.connect(lambda at, name=name: look.adjust(**{name: number(name, at)}))
            for column, widget in enumerate((QLabel(text), slider, value)):
                grid.addWidget(widget, row, column)
            self.sliders[name], self._values[name] = slider, value
        grid.addWidget(
            explanation(self.tr("For your eyes only: masks, models and exports see the photo as it is.")),
            len(names) + 1,
            0,
            1,
            3,
        )
        self.reset = QPushButton(self.tr("As it is"))
        self.reset.setAccessibleName(self.tr("Show the photo as it is"))
        self.reset.clicked.connect(look.reset)
        foot = QHBoxLayout()
        foot.addStretch()
        foot.addWidget(self.reset)
        grid.addLayout(foot, len(names) + 2, 0, 1, 3)
        look.changed.connect(self._follow)
        self._follow()

    def open_beside(self, widget: QWidget) -> None:
        """Show it left of a widget, inside the screen."""
        self.adjustSize()
        corner = widget.mapToGlobal(QPoint(-self.width() - 8, 0))
        screen = widget.screen().availableGeometry()
        x = min(max(corner.x(), screen.left()), screen.right() - self.width())
        y = min(max(corner.y(), screen.top()), screen.bottom() - self.height())
        self.move(x, y)
        self.show()
        self.sliders["brightness"].setFocus()

    def _follow(self) -> None:
        tone = self._look.tone
        shares = {
            "brightness": tone.brightness,
            "contrast": tone.contrast,
            "gamma": share_of_gamma(tone.gamma),
        }
        for name, share in shares.items():
            slider = self.sliders[name]
            slider.blockSignals(True)
            slider.setValue(round(STEPS * share))
            slider.blockSignals(False)
            self._values[name].setText(f"{tone.gamma:.2f}" if name == "gamma" else signed(slider.value()))
        self.reset.setEnabled(self._look.adjusted)


def number(name: str, position: int) -> float:
    """The value of a field of `Tone` at a slider's position."""
    share = position / STEPS
    return float(GAMMAS[1] ** share) if name == "gamma" else share


def signed(value: int) -> str:
    """A number with its sign; 0 has none."""
    return f"{value:+d}" if value else "0"


def share_of_gamma(gamma: float) -> float:
    """Where between the smallest gamma (−1) and the largest (1) one stands."""
    return math.log(gamma, GAMMAS[1])
