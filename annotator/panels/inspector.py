"""The Inspector panel: everything known about the pixel under the mouse, and the reason for its label."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from annotator.class_colours import class_colour
from annotator.i18n import localised
from annotator.session import Session
from annotator.widgets import explanation, heading, line, scrolled
from trainer.data.classes import BACKGROUND, EDIT_VOID, UNTOUCHED, VOID
from trainer.data.project import Status
from trainer.method.propagations import PROPAGATIONS

Scores = tuple[tuple[str, tuple[int, int, int], float], ...]
"""Name, colour and CAM score of each class."""


@dataclass(frozen=True)
class PixelFacts:
    """What the layers hold at one pixel. Labels as in the layers; `scores` are (class, CAM in 0…1) pairs.

    `proposed` is the label before any stroke, `propagated` that before the stroke network, `source` what it
    came from: None while there is no proposal.
    """

    row: int
    column: int
    mask: int
    hand: int
    seed: int
    stroke: int
    scores: tuple[tuple[int, float], ...]
    proposed: int
    propagated: int
    source: str | None
    accepted: bool


def facts_at(session: Session, point: QPointF | None) -> PixelFacts | None:
    """The facts of the pixel under an image point; None outside the image."""
    mask, hand, seeds, strokes = session.mask, session.mask_edits, session.seeds, session.corrections
    if point is None or mask is None or hand is None or seeds is None or strokes is None:
        return None
    i, j = int(point.y() // 1), int(point.x() // 1)
    if not (0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]):
        return None
    cams, record, proposal = session.cams, session.record, session.proposal
    scores = () if cams is None else tuple(zip(session.cam_classes, cams[:, i, j].tolist(), strict=True))
    return PixelFacts(
        i,
        j,
        int(mask[i, j]),
        int(hand[i, j]),
        int(seeds[i, j]),
        int(strokes[i, j]),
        scores,
        int((proposal.mask if proposal else mask)[i, j]),
        int((proposal.propagated if proposal else mask)[i, j]),
        proposal.source if proposal else None,
        record is not None and record.status is Status.ACCEPTED,
    )


class InspectorPanel(QWidget):
    """Follows the mouse: `show_at` takes an image point, None when the mouse is outside."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session = session
        self._point: QPointF | None = None
        self.pixel_label, self.mask_label, self.seed_label = QLabel(), QLabel(), QLabel()
        for label in (self.mask_label, self.seed_label):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.scores = ScoreBars()
        self.why = explanation()
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        rows.setHorizontalSpacing(14)
        rows.addRow(self.tr("Pixel"), self.pixel_label)
        rows.addRow(self.tr("Mask"), self.mask_label)
        rows.addRow(self.tr("Seed"), self.seed_label)
        inner = QWidget()
        body = QVBoxLayout(inner)
        body.setContentsMargins(12, 10, 12, 12)
        body.setSpacing(9)
        body.addLayout(rows)
        body.addWidget(self.why)
        self._of_scores = (line(), heading(self.tr("CAM score of each class")), self.scores)
        for widget in self._of_scores:
            body.addWidget(widget)
        body.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner))  # many classes must not make the window higher than the screen
        session.layer_changed.connect(lambda *_: self._show())
        session.image_changed.connect(lambda _: self.show_at(None))
        self.show_at(None)

    def sizeHint(self) -> QSize:
        """As wide as its neighbours."""
        return QSize(280, 260)

    def show_at(self, point: QPointF | None) -> None:
        """Explain the pixel under an image point; without one, say how to get an explanation."""
        self._point = point
        self._show()

    def _show(self) -> None:
        if not self.isVisible() and self._point is not None:
            return
        facts = facts_at(self._session, self._point)
        if facts is None:
            for label in (self.pixel_label, self.mask_label, self.seed_label):
                label.setText("–")
            self._show_scores(())
            self.why.setText(
                self.tr("Move the mouse over the image to see the label of a pixel and the reason for it.")
            )
            return
        self.pixel_label.setText(f"{facts.column}, {facts.row}")
        self.mask_label.setText(self.name(facts.mask))
        self.seed_label.setText(self.seed_state(facts))
        self._show_scores(tuple((self.name(c), class_colour(c), s) for c, s in facts.scores))
        self.why.setText(self.reason(facts))

    def _show_scores(self, scores: Scores) -> None:
        self.scores.show_scores(scores)
        for widget in self._of_scores:
            widget.setVisible(bool(scores))

    def name(self, label: int) -> str:
        """The name of a label."""
        if label == BACKGROUND:
            return self.tr("background")
        if label in (VOID, EDIT_VOID):
            return self.tr("undecided")
        return self._session.classes.name_of(label)

    def seed_state(self, facts: PixelFacts) -> str:
        """The seed label of a pixel, and where it comes from."""
        if facts.stroke != UNTOUCHED:
            return self.tr("{name} (your stroke)").format(name=self.name(facts.stroke))
        if facts.seed == VOID:
            return self.tr("neutral")
        return self.tr("surely {name}").format(name=self.name(facts.seed))

    def reason(self, facts: PixelFacts) -> str:
        """The reason for the mask's label at a pixel, in one sentence."""
        name, seed = self.name(facts.mask), self.name(facts.seed)
        best = max((score for _, score in facts.scores), default=0.0)
        if facts.hand != UNTOUCHED:
            text = self.tr("You painted {name} here by hand, and hand edits win over every proposal.")
        elif facts.accepted:
            text = self.tr("You accepted this mask, so it stays as it is.")
        elif facts.stroke != UNTOUCHED:
            text = self.tr("You painted {stroke} here: the proposal keeps it and the trainer learns from it.")
        elif facts.source is None:
            text = self.tr("There is no proposal for this image yet.")
        elif facts.mask != facts.proposed:
            text = self.tr("Your strokes made this {name}; without them it would be {proposed}.")
        elif facts.proposed != facts.propagated and facts.source in PROPAGATIONS:
            text = self.tr("The stroke network drew the outline here; propagation alone says {propagated}.")
        elif facts.proposed != facts.propagated:
            text = self.tr(
                "The stroke network drew the outline here; the segmentation network alone says {propagated}."
            )
        elif facts.source not in PROPAGATIONS:
            text = self.tr("The segmentation network predicts {name} here; it does not use the seed cues.")
        elif facts.seed == facts.mask == BACKGROUND:
            text = self.tr("No class is active here (highest score {best}), so this is a background seed.")
        elif facts.seed == facts.mask:
            text = self.tr("The CAM of {name} is strong here and stays ahead even of a strict background.")
        elif facts.seed == VOID:
            return localised(PROPAGATIONS[facts.source].reason(name))
        else:
            text = self.tr("The seed is {seed}, but similar pixels nearby made it {name}.")
        return text.format(
            name=name,
            seed=seed,
            stroke=self.name(facts.stroke),
            best=f"{best:.2f}",
            proposed=self.name(facts.proposed),
            propagated=self.name(facts.propagated),
        )


class ScoreBars(QWidget):
    """A bar from 0 to 1 for each class."""

    def __init__(self) -> None:
        super().__init__()
        self._scores: Scores = ()

    def show_scores(self, scores: Scores) -> None:
        """Show names, colours and scores, in their order."""
        if len(scores) != len(self._scores):
            self.setFixedHeight(max(1, len(scores)) * self._row())
        self._scores = scores
        self.setAccessibleDescription(", ".join(f"{name} {score:.2f}" for name, _, score in scores))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw name, bar and number in each row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, row = self.fontMetrics(), self._row()
        number = metrics.horizontalAdvance("0.00")
        names = min(
            max((metrics.horizontalAdvance(name) + 1 for name, _, _ in self._scores), default=0),  # rounded
            self.width() // 3,
        )
        track = self.palette().color(QPalette.ColorRole.Text)
        track.setAlpha(30)
        for index, (name, colour, score) in enumerate(self._scores):
            top = index * row
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, names)
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            painter.drawText(QRectF(0, top, names, row), Qt.AlignmentFlag.AlignVCenter, text)
            numbers = QRectF(self.width() - number, top, number, row)
            painter.drawText(
                numbers, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{score:.2f}"
            )
            painter.setPen(Qt.PenStyle.NoPen)
            bar = QRectF(names + 10, top + row / 2 - 4, max(self.width() - names - number - 20, 0), 8)
            painter.setBrush(track)
            painter.drawRoundedRect(bar, 4, 4)
            bar.setWidth(bar.width() * min(max(score, 0.0), 1.0))
            painter.setBrush(QColor(*colour))
            painter.drawRoundedRect(bar, min(4.0, bar.width() / 2), 4)

    def _row(self) -> int:
        return self.fontMetrics().height() + 6
