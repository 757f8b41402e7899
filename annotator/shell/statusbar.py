"""The status bar: work in progress, pixel under the mouse, zoom, saved state, trainer, proposals for all."""

from math import floor

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStatusBar, QWidget

from annotator.actions import Actions
from annotator.canvas.look import Look
from annotator.panels.trainer import COLOURS, TrainerPanel
from annotator.session import Session
from annotator.theme import Theme
from trainer.data.classes import BACKGROUND, VOID


class Patch(QWidget):
    """A small square of one colour."""

    def __init__(self) -> None:
        super().__init__()
        self._colour = QColor()
        self.setFixedSize(13, 13)

    def show_colour(self, colour: QColor) -> None:
        """Show another colour."""
        self._colour = colour
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The square, rimmed so that it is seen on any bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(128, 128, 128))
        painter.setBrush(self._colour)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)


class StatusBar(QStatusBar):
    """Listens to the session, the canvas and the trainer panel."""

    def __init__(
        self,
        session: Session,
        trainer: TrainerPanel,
        actions: Actions,
        theme: Theme,
        look: Look,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._session, self._trainer, self._actions, self._theme = session, trainer, actions, theme
        self._look = look
        self._busy, self._cursor, self.zoom, self.saved, self._state = (QLabel() for _ in range(5))
        self._patch, self.colour, self.adjusted = Patch(), QLabel(), QLabel(self.tr("Photo adjusted"))
        self.adjusted.setToolTip(
            self.tr("It is shown brighter, darker or steeper than it is; masks and models see it as it is.")
        )
        self.proposing, self.offer = QLabel(), QLabel()
        for label in (self._busy, self._cursor):  # names may look like HTML
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._lamp = QLabel()
        self._lamp.setObjectName("lamp")
        # A long name is cut, or the window would have to grow for it.
        self._busy.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.addWidget(self._busy, 1)
        for widget in (
            self.offer,
            self._cursor,
            self._patch,
            self.colour,
            self.adjusted,
            self.zoom,
            self.saved,
            self._lamp,
            self._state,
            self.proposing,
        ):
            self.addPermanentWidget(widget)
        session.busy_changed.connect(lambda busy, text: self._busy.setText(text))
        self._point: QPointF | None = None
        session.layer_changed.connect(lambda *_: self.show_cursor(self._point))
        session.image_changed.connect(lambda _: self.show_cursor(self._point))
        session.saved_changed.connect(self._show_saved)
        session.project_opened.connect(lambda: self._show_saved(True))
        trainer.state_shown.connect(self._show_state)
        trainer.propose_all.shown.connect(self._show_proposing)
        session.offer.changed.connect(self._show_offer)
        actions.keys_changed.connect(self._show_offer)
        theme.changed.connect(self._show_offer)
        theme.changed.connect(self._show_state)
        theme.changed.connect(self._show_adjusted)
        look.changed.connect(self._show_adjusted)
        self._show_state()
        self._show_proposing()
        self._show_offer()
        self._show_adjusted()
        self.show_cursor(None)

    def show_zoom(self, factor: float) -> None:
        """Show a zoom in per cent of the photo's own size."""
        self.zoom.setText(f"{factor:.0%}")

    def show_cursor(self, point: QPointF | None) -> None:
        """Show position, class and the photo's own colour under the mouse, image coordinates."""
        self._point, mask, image = point, self._session.mask, self._session.image
        self._cursor.clear()
        x, y = (-1, -1) if point is None else (floor(point.x()), floor(point.y()))
        within = mask is not None and 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]
        self._patch.setVisible(within)
        self.colour.setVisible(within)
        if within and mask is not None and image is not None:
            self._cursor.setText(f"{x}, {y}   {self._name(int(mask[y, x]))}")
            red, green, blue = image[y, x].tolist()
            self._patch.show_colour(QColor(red, green, blue))
            self.colour.setText(f"RGB {red} {green} {blue}")

    def _show_adjusted(self) -> None:
        self.adjusted.setVisible(self._look.adjusted)
        self.adjusted.setStyleSheet(f"color: {self._theme.colours['accent']}")

    def _name(self, label: int) -> str:
        if label == BACKGROUND:
            return self.tr("background")
        return self.tr("undecided") if label == VOID else self._session.classes.name_of(label)

    def _show_saved(self, saved: bool) -> None:
        never = self._session.read_only
        text = self.tr("Saved") if saved else self.tr("Not saved yet")
        self.saved.setText(self.tr("Not saved: read-only") if never else text)
        project = self._session.project
        told = self.tr("Every stroke is written to {file} as you make it; there is nothing to save by hand.")
        self.saved.setToolTip("" if never or project is None else told.format(file=project.file))
        good = saved and not never
        self.saved.setStyleSheet("" if good else f"color: {self._theme.colours['bad']}")

    def _show_offer(self) -> None:
        text = self.tr("Newer models propose another mask: hold {look} to see it, press {take} to use it")
        look, take = (self._actions.key_text(action) for action in ("look", "take"))
        self.offer.setText(text.format(look=look, take=take))
        self.offer.setStyleSheet(f"color: {self._theme.colours['accent']}")
        self.offer.setVisible(self._session.offer.stands)

    def _show_proposing(self) -> None:
        text = self._trainer.propose_all.text()
        self.proposing.setText(text)
        self.proposing.setVisible(bool(text))

    def _show_state(self) -> None:
        colour = COLOURS[self._trainer.state]
        self._lamp.setPixmap(self._theme.icon("mdi6.circle", colour).pixmap(10, 10))
        self._state.setText(self.tr("Trainer: {state}").format(state=self._trainer.state_text()))
