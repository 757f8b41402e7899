"""The curves of the Trainer panel: loss, validation score, and the strokes each accepted photo took."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from annotator.theme import Theme
from annotator.widgets import explanation, heading

SMOOTHED = 8
"""Photos whose mean the line of strokes a photo shows."""
SOON = 2
"""Accepted photos from which that line is drawn."""


class Curves(QWidget):
    """Three plots, each hidden until there is something to draw."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.loss, self.validation, self.strokes = pg.PlotWidget(), pg.PlotWidget(), pg.PlotWidget()
        self._loss = self._section(self.tr("Loss"), self.loss)
        self._validation = self._section(
            self.tr("Validation score"),
            self.validation,
            self.tr(
                "Each round, the new model (line) must beat the one in use (dots) on corrected images that "
                "it has not learnt from."
            ),
        )
        self._strokes = self._section(
            self.tr("Strokes a photo"),
            self.strokes,
            self.tr("What each accepted photo took (dots), in their order, and the mean of the last eight."),
        )
        self._none = explanation(
            self.tr(
                "Loss and validation score are plotted here once training begins, strokes a photo once two "
                "photos are accepted."
            )
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self._loss, self._validation, self._strokes, self._none):
            layout.addWidget(widget)
        self.recolour()
        self.draw([], [], [])

    def draw(
        self,
        loss: Sequence[tuple[float, float]],
        validation: Sequence[tuple[float, float, float]],
        strokes: Sequence[int],
    ) -> None:
        """Show pairs (step, loss), triples (round, score in use, new score), and the strokes of each accepted
        photo in their order.
        """
        accent, muted = self._theme.colour("accent"), self._theme.colour("muted")
        curve = pg.mkPen(accent, width=1.5)
        dots = {"symbol": "o", "symbolSize": 5, "symbolPen": None}
        for plot in (self.loss, self.validation, self.strokes):
            plot.clear()
        if loss:
            self.loss.plot(*zip(*loss, strict=True), pen=curve)
        if validation:
            rounds, incumbent, challenger = zip(*validation, strict=True)
            self.validation.plot(rounds, incumbent, pen=None, symbolBrush=muted, **dots)
            self.validation.plot(rounds, challenger, pen=curve, symbolBrush=accent, **dots)
        drawn = len(strokes) >= SOON
        if drawn:
            photos = np.arange(1, len(strokes) + 1)
            self.strokes.plot(photos, strokes, pen=None, symbolBrush=muted, **dots)
            self.strokes.plot(photos, running_mean(strokes), pen=curve)
        self._loss.setVisible(bool(loss or validation))
        self._validation.setVisible(bool(loss or validation))
        self._strokes.setVisible(drawn)
        self._none.setVisible(not (loss or validation or drawn))

    def recolour(self) -> None:
        """Take the colours of the theme in use; what is drawn has them from the next `draw` on."""
        for plot in (self.loss, self.validation, self.strokes):
            plot.setBackground(self._theme.colour("base"))
            for name in ("left", "bottom"):
                axis = plot.getAxis(name)
                axis.setPen(self._theme.colour("border"))
                axis.setTextPen(self._theme.colour("muted"))

    def _section(self, title: str, plot: pg.PlotWidget, words: str = "") -> QWidget:
        plot.setFixedHeight(120)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(False, False)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        section = QWidget(self)
        layout = QVBoxLayout(section)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(heading(title))
        layout.addWidget(plot)
        if words:
            layout.addWidget(explanation(words))
        return section


def running_mean(values: Sequence[int]) -> np.ndarray:
    """Return, float (N,), the mean of each value and up to `SMOOTHED` − 1 before it."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - SMOOTHED, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
