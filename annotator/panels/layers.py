"""The Layers panel: what is drawn over the photo, and how strongly."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QToolButton, QWidget

from annotator.actions import Actions
from annotator.canvas.layered_view import LAYERS
from annotator.canvas.view import CanvasView
from annotator.panels.adjust import AdjustPopup
from annotator.panels.explain import ExplainButton
from annotator.widgets import Slider, explanation

EXPLAINED = {"cam": "cam", "seeds": "seeds", "propagated": "affinity"}
"""The term that each of these layers shows."""


class LayersPanel(QWidget):
    """A switch and an opacity slider for each layer of the canvas, the uppermost first.

    It is as high as its rows: other panels have more use for the rest.
    """

    def __init__(self, canvas: CanvasView, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._canvas, self._actions = canvas, actions
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        names = {
            "image": (self.tr("Photo"), self.tr("The photo itself; fade it to make the layers stand out.")),
            "cam": (self.tr("CAM"), self.tr("Where the classifier looked for the chosen class.")),
            "propagated": (
                self.tr("Propagated"),
                self.tr("What the seed cues become along affinities, before the stroke network."),
            ),
            "mask": (self.tr("Mask"), self.tr("The proposal with your edits. At 0 only outlines stay.")),
            "seeds": (
                self.tr("Seed cues"),
                self.tr("Pixels the method is certain about; hatched is background."),
            ),
            "strokes": (self.tr("Your strokes"), self.tr("What you painted on the seeds.")),
        }
        self.tune = QToolButton()
        self.tune.setDefaultAction(actions["adjust_photo"])
        self.tune.setIconSize(QSize(16, 16))
        self.popup: AdjustPopup | None = None  # made when it is first asked for
        self.switches: dict[str, QCheckBox] = {}
        self.sliders: dict[str, Slider] = {}
        self._values: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 10, 12, 12)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(1, 1)
        row_height = 0  # rows with an explanation are taller, so all of them are
        for row, name in enumerate(reversed(LAYERS)):
            text, help = names[name]
            switch, slider, value = QCheckBox(text), Slider(), QLabel()
            switch.setToolTip(help)
            slider.setToolTip(help)
            slider.setRange(0, 100)
            slider.setAccessibleName(self.tr("Opacity of {layer}").format(layer=text))
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setMinimumWidth(value.fontMetrics().horizontalAdvance("100 %"))
            switch.toggled.connect(lambda on, name=name: canvas.set_layer_visible(name, on))
            slider.valueChanged.connect(lambda v, name=name: canvas.set_layer_opacity(name, v / 100))
            for column, widget in enumerate((switch, slider, value)):
                grid.addWidget(widget, row, column)
            if name in EXPLAINED:
                grid.addWidget(explain := ExplainButton(canvas.session, EXPLAINED[name]), row, 3)
                row_height = max(row_height, explain.sizeHint().height())
            elif name == "image":
                grid.addWidget(self.tune, row, 3)
            self.switches[name], self.sliders[name], self._values[name] = switch, slider, value
        for row in range(len(LAYERS)):
            grid.setRowMinimumHeight(row, row_height)
        self.foot = explanation()
        self.foot.setWordWrap(False)  # wrapped text asks for a second line, needed or not
        grid.addWidget(self.foot, len(LAYERS), 0, 1, 4)
        actions.keys_changed.connect(self._explain)
        self._explain()
        canvas.layers_changed.connect(self._show)
        self._show()

    def sizeHint(self) -> QSize:
        """As wide as its neighbours."""
        return QSize(280, super().sizeHint().height())

    def adjust_photo(self) -> None:
        """Show the sliders for brightness, contrast and gamma."""
        if self.popup is None:
            self.popup = AdjustPopup(self._canvas.look, self.window())
        self.popup.open_beside(self.tune)

    def rest(self, resting: bool) -> None:
        """Have no say while the inspect view is shown, nor have the actions that show layers."""
        self.setDisabled(resting)
        for name in LAYERS:
            self._actions[f"show_{name}"].setDisabled(resting)
        self._explain()

    def _explain(self) -> None:
        key = self._actions.key_text("peek")
        if self.isEnabled():
            self.foot.setText(self.tr("Hold {key} to see the bare photo.").format(key=key))
        else:
            self.foot.setText(self.tr("Each pane shows its own layers."))
        self.foot.setVisible(bool(key) or not self.isEnabled())

    def _show(self) -> None:
        for name, switch in self.switches.items():
            visible, opacity = self._canvas.layer_visible(name), self._canvas.layer_opacity(name)
            for widget in (switch, self.sliders[name]):
                widget.blockSignals(True)
            switch.setChecked(visible)
            self._actions[f"show_{name}"].setChecked(visible)
            self.sliders[name].setValue(round(100 * opacity))
            self.sliders[name].setEnabled(visible)
            self._values[name].setText(f"{round(100 * opacity)} %")
            for widget in (switch, self.sliders[name]):
                widget.blockSignals(False)
