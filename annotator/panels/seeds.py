"""The Seeds panel: parameters of the seed cues, and the choice of what makes the mask."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QRadioButton, QVBoxLayout, QWidget

from annotator.i18n import localised
from annotator.panels.explain import ExplainButton
from annotator.session import Session
from annotator.widgets import ValueSlider, explanation, heading, line, scrolled
from trainer.method.propagations import PROPAGATIONS

ALPHA = (0.1, 32.0)


class SeedsPanel(QWidget):
    """Sliders that move the seed cues while they are dragged, and the choice of what makes the mask."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session = session
        self._intro = explanation()
        self.low = ValueSlider(
            self.tr("α low: sure foreground"),
            *ALPHA,
            self.tr("Smaller is stricter: fewer pixels become object seeds."),
            logarithmic=True,
        )
        self.high = ValueSlider(
            self.tr("α high: sure background"),
            *ALPHA,
            self.tr(
                "Larger is stricter: fewer pixels become background seeds. Pixels in between stay neutral."
            ),
            logarithmic=True,
        )
        self.threshold = ValueSlider(
            self.tr("Threshold"), 0.0, 1.0, self.tr("Object seeds need at least this CAM value.")
        )
        self.smallest = ValueSlider(
            self.tr("Smallest part, % of the photo"),
            0.0,
            2.0,
            self.tr("Regions and holes of the mask smaller than this are removed."),
        )
        self.smallest.released.connect(lambda value: session.parameters.change(smallest_part=value / 100))
        for slider in (self.low, self.high, self.threshold):
            slider.moved.connect(lambda _, s=slider: self._move(s, final=False))
            slider.released.connect(lambda _, s=slider: self._move(s, final=True))
        self.modes = {mode.name: QRadioButton(localised(mode.label)) for mode in PROPAGATIONS.values()}
        for name, button in self.modes.items():
            button.clicked.connect(
                lambda _=False, mode=name: session.parameters.change(mode=mode, segmentation=False)
            )
        self.network = QRadioButton(self.tr("Segmentation network"))
        self.network.clicked.connect(lambda: session.parameters.change(segmentation=True))
        self.reset = QPushButton(self.tr("Back to defaults"))
        self.reset.clicked.connect(self._reset)
        inner = QWidget()
        body = QVBoxLayout(inner)
        body.setContentsMargins(12, 10, 12, 12)
        body.setSpacing(11)
        choices: list[QWidget] = []
        for mode in PROPAGATIONS.values():
            choices += [self.modes[mode.name], explanation(localised(mode.explanation))]
        for widget in (
            _explained(self._intro, session, "seeds"),
            _explained(heading(self.tr("What is sure")), session, "alpha"),
            self.low,
            self.high,
            self.threshold,
            line(),
            _explained(heading(self.tr("What makes the mask")), session, "affinity"),
            *choices,
            self.network,
            explanation(
                self.tr(
                    "Its own prediction for the tagged classes. It follows your strokes, not the seed cues."
                )
            ),
            self.smallest,
            self.reset,
        ):
            body.addWidget(widget)
        body.addStretch()
        self._controls = (
            self.low, self.high, self.threshold, *self.modes.values(), self.smallest, self.reset
        )  # fmt: skip
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner))
        for signal in (session.settings_changed, session.project_opened, session.proposal_changed):
            signal.connect(self._show)
        session.image_changed.connect(lambda _: self._show())
        self._show()

    def sizeHint(self) -> QSize:
        """As wide as its neighbours."""
        return QSize(280, 380)

    def _show(self) -> None:
        settings, has_network = self._session.settings, self._session.has_segmentation
        if settings is not None and not any(
            s.slider.isSliderDown() for s in (self.low, self.high, self.threshold, self.smallest)
        ):
            self.low.set_value(settings.alpha_low)
            self.high.set_value(settings.alpha_high)
            self.threshold.set_value(settings.threshold)
            self.smallest.set_value(100 * settings.smallest_part)
        if settings is not None:
            chosen = self.modes[settings.mode]
            (self.network if settings.segmentation and has_network else chosen).setChecked(True)
        ready = self._session.proposal is not None
        for control in self._controls:
            control.setEnabled(ready)
        self.network.setEnabled(ready and has_network)
        self.network.setToolTip(
            self.tr(
                "The models in use hold no segmentation network. The command `pipeline DATA --out OUT "
                "--segmentation` trains one: then choose OUT/models.safetensors under File ▸ Weights…."
            )
            if settings is not None and not has_network
            else ""
        )
        self._intro.setText(
            self.tr("Seed cues are the pixels the CAM is certain about. Drag a slider to see them change.")
            if ready
            else self.tr("As soon as the open image has a proposal, its seed cues can be moved here.")
        )

    def _move(self, moved: ValueSlider, final: bool) -> None:
        # Sure foreground and sure background never overlap: the other slider gives way.
        if self.low.value > self.high.value:
            other = self.high if moved is self.low else self.low
            other.set_value(moved.value)
        self._session.parameters.move_seeds(self.low.value, self.high.value, self.threshold.value, final)

    def _reset(self) -> None:
        self._session.parameters.reset()


def _explained(words: QWidget, session: Session, term: str) -> QWidget:
    """Words with a “?” beside them that explains a term."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(words, 1)
    layout.addWidget(ExplainButton(session, term), 0, Qt.AlignmentFlag.AlignTop)
    return row
