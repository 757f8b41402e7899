"""The Tags panel: what is in the picture, which class is painted, and which tags the models suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.class_colours import class_colour
from annotator.i18n import localised
from annotator.session import Session
from annotator.theme import Theme
from annotator.widgets import CrossButton, explanation, scrolled, swatch

if TYPE_CHECKING:
    from trainer.engine import Proposal

SUGGESTED = 4
ROW = 31  # logical pixels


class ClassRow(QFrame):
    """One class that can be painted: its key, colour, name, and how sure the CAM is of it."""

    chosen = Signal(int)
    removed = Signal(int)

    def __init__(self, theme: Theme, class_id: int, name: str, number: int, removable: bool) -> None:
        super().__init__()
        self._theme, self.class_id = theme, class_id
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(name)
        key = QLabel(str(number) if number < 10 else "")
        key.setProperty("muted", True)
        key.setFixedWidth(12)
        colour = QLabel()
        shown = QColor(*class_colour(class_id)) if class_id else theme.colour("faint")
        colour.setPixmap(swatch(shown, ratio=self.devicePixelRatioF()))
        self._score = QProgressBar(textVisible=False)
        self._score.setRange(0, 100)
        self._score.setFixedWidth(64)
        self._score.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(9, 3, 4, 3)
        layout.setSpacing(9)
        layout.addWidget(key)
        layout.addWidget(colour)
        layout.addWidget(QLabel(name), 1)
        layout.addWidget(self._score)
        if removable:
            tip = self.tr("Remove the tag {name}").format(name=name)
            layout.addWidget(CrossButton(theme, tip, lambda: self.removed.emit(class_id), side=13))
        self.setMinimumHeight(ROW)
        self.show_chosen(False)

    def show_chosen(self, chosen: bool) -> None:
        """Mark the row as the class that is painted."""
        back = self._theme.colours["accent_soft"] if chosen else "transparent"
        hover = self._theme.colours["accent_soft" if chosen else "hover"]
        self.setStyleSheet(
            f"ClassRow {{ background: {back}; border-radius: 6px; }}ClassRow:hover {{ background: {hover}; }}"
        )

    def show_score(self, score: float) -> None:
        """Show how sure the CAM is, 0…1."""
        self._score.setValue(round(100 * score))
        self._score.setToolTip(
            self.tr("CAM score {score:.2f}: how strongly the classifier sees it inside its mask").format(
                score=score
            )
        )
        self._score.show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the class."""
        self.chosen.emit(self.class_id)


class TagField(QLineEdit):
    """A line for a tag; a click into it while it is empty lists all classes."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Show the list, from which a click takes a class without a key."""
        super().mouseReleaseEvent(event)
        completer = self.completer()
        if completer is not None and not self.text():
            completer.setCompletionPrefix("")
            completer.complete()


class TagsPanel(QWidget):
    """Rows for background and every tag, a field that adds tags, and suggestions for images without."""

    class_wanted = Signal(str)  # a name that is in no class list yet
    left = Signal()  # Enter was pressed where nothing was typed

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session, self._theme = session, theme
        self.rows: list[ClassRow] = []
        self._list = QVBoxLayout()
        self._list.setSpacing(1)
        self._empty = explanation()
        self._empty.setContentsMargins(9, 6, 9, 4)
        self._note = explanation()
        self._note.setContentsMargins(9, 2, 9, 4)
        self.chips: list[QPushButton] = []
        self._chips = QVBoxLayout()
        self._chips.setSpacing(4)
        self.field = TagField(placeholderText=self.tr("Add or choose a tag…"))
        self.field.setAccessibleName(self.tr("Add a tag"))
        self.field.returnPressed.connect(self._add_typed)
        self.none = QCheckBox(self.tr("None of the classes: background only"))
        self.none.clicked.connect(lambda on: session.tagging.set_tags(() if on else None))
        inner = QWidget()
        body = QVBoxLayout(inner)
        body.setContentsMargins(6, 6, 6, 6)
        body.setSpacing(4)
        body.addLayout(self._list)
        body.addWidget(self._note)
        body.addWidget(self._empty)
        body.addLayout(self._chips)
        body.addWidget(self.none)
        body.addStretch()
        self._scroll = scrolled(inner)
        self._scroll.setMinimumHeight(3 * ROW + 20)  # background and two tags without scrolling
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 4, 8, 8)
        foot.addWidget(self.field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._scroll, 1)
        layout.addLayout(foot)
        session.project_opened.connect(self._fill)
        session.image_changed.connect(self._fill)
        session.classes_changed.connect(self._classes_changed)
        session.record_changed.connect(
            lambda image_id: self._fill() if image_id == session.image_id else None
        )
        session.suggestions_changed.connect(self._fill)
        session.paint_changed.connect(self._mark)
        session.proposal_changed.connect(self._follow_proposal)
        theme.changed.connect(self._fill)
        self._classes_changed()

    def sizeHint(self) -> QSize:
        """Room for a handful of tags."""
        return QSize(280, 170)

    def begin_adding(self) -> None:
        """Put the cursor into the field."""
        self.field.setFocus()
        self.field.selectAll()

    def choose(self, number: int) -> None:
        """Paint the class with this number (0 background, from 1 the tags in their order)."""
        if number < len(self.rows):
            self._session.class_id = self.rows[number].class_id

    def add(self, name: str) -> None:
        """Tag the open image and paint the class; a name that is no class yet is asked about."""
        record = self._session.record
        if record is None or not name:
            return
        classes = self._session.classes
        if name not in classes:
            name = next((known for known in classes.listed if known.casefold() == name.casefold()), name)
        if name not in classes:
            self.class_wanted.emit(name)
        else:
            if name not in record.tags:
                self._session.tagging.set_tags((*record.tags, name))
            self._session.class_id = self._session.classes.id_of(name)

    def take_suggestion(self) -> None:
        """Tag the open image with what the models suggest first."""
        if suggestions := self._session.suggestions:
            self.add(suggestions[0].name)

    def _add_typed(self) -> None:
        if name := self.field.text().strip():
            self._add_listed(name)
        else:
            self.left.emit()

    def _add_listed(self, name: str) -> None:
        # After the completer, which would put its own text back into the field.
        QTimer.singleShot(0, self, self.field.clear)
        self.add(name)

    def _remove(self, class_id: int) -> None:
        if (record := self._session.record) is not None:
            name = self._session.classes.name_of(class_id)
            left = tuple(tag for tag in record.tags if tag != name)
            # Without the last one nobody has said what is there: that it is nothing is said by its own box.
            self._session.tagging.set_tags(left or None)

    def _classes_changed(self) -> None:
        completer = QCompleter(list(self._session.classes.listed), self.field)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        popup = completer.popup()
        assert popup is not None
        popup.setObjectName("completions")
        completer.activated.connect(self._add_listed)
        self.field.setCompleter(completer)
        self._fill()

    def _fill(self) -> None:
        record, classes = self._session.record, self._session.classes
        for row in self.rows:
            row.hide()
            row.deleteLater()
        self.rows = []
        self.field.setEnabled(record is not None)
        ids = [0, *self._session.tag_ids] if record else []
        for number, class_id in enumerate(ids):
            name = classes.name_of(class_id) if class_id else self.tr("background")
            row = ClassRow(self._theme, class_id, name, number, removable=class_id > 0)
            row.chosen.connect(self._choose)
            row.removed.connect(self._remove)
            self._list.addWidget(row)
            self.rows.append(row)
        if record is None:
            self._empty.setText(self.tr("The tags of the open image appear here."))
        else:
            self._empty.setText(self.tr("No tags yet: tag what is in this picture."))
        self._empty.setVisible(record is None or not record.tagged)
        self.none.setVisible(record is not None and not record.tags)
        self.none.setChecked(record is not None and record.tagged)
        self._suggest()
        self._mark()
        self._follow_proposal()

    def _suggest(self) -> None:
        for old in self.chips:
            old.hide()
            old.deleteLater()
        self.chips = []
        for name, score, segmented in self._session.suggestions[:SUGGESTED]:
            chip = QPushButton(self._theme.icon("mdi6.plus", "accent"), f"{name}   {score:.0%}")
            tip = (
                self.tr("The segmentation network sees this on {p} of the picture.")
                if segmented
                else self.tr("The classifier sees this with a probability of {p}.")
            )
            chip.setToolTip(tip.format(p=f"{score:.0%}"))
            chip.clicked.connect(lambda _=False, name=name: self.add(name))
            self._chips.addWidget(chip)
            self.chips.append(chip)

    def _choose(self, class_id: int) -> None:
        self._session.class_id = class_id

    def _mark(self) -> None:
        for row in self.rows:
            row.show_chosen(row.class_id == self._session.class_id)
        QTimer.singleShot(0, self, self._scroll_to_chosen)  # once new rows have their places

    def _scroll_to_chosen(self) -> None:
        for row in self.rows:
            if row.class_id == self._session.class_id:
                self._scroll.ensureWidgetVisible(row)

    def _follow_proposal(self) -> None:
        proposal = self._session.proposal
        self._note.setText(localised(proposal.note) if proposal else "")
        self._note.setVisible(bool(self._note.text()))
        self._score()

    def _score(self) -> None:
        session, proposal = self._session, self._session.proposal
        if proposal is None:
            return

        def arrived(scores: dict[int, float]) -> None:
            if session.proposal is proposal:
                for row in self.rows:
                    if row.class_id in scores:
                        row.show_score(scores[row.class_id])

        session.jobs.submit(lambda: cam_scores(proposal), arrived)


def cam_scores(proposal: Proposal) -> dict[int, float]:
    """Mean CAM of each tagged class inside its own mask, 0…1; 0 where the mask has none of it."""
    inside = {class_id: proposal.mask == class_id for class_id in proposal.classes}
    return {
        class_id: float(np.mean(cam[inside[class_id]])) if inside[class_id].any() else 0.0
        for class_id, cam in zip(proposal.classes, proposal.cams, strict=True)
    }
