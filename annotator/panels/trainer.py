"""The Trainer panel: state of training and its reason, progress, and the model versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator.actions import spec_of, translated
from annotator.i18n import localised, sentence
from annotator.panels.device import DeviceBox
from annotator.panels.propose_all import ProposeAllBox
from annotator.session import Session
from annotator.session.jobs import Latest
from annotator.theme import Theme
from annotator.widgets import explanation, heading, line, scrolled
from trainer.imports import import_for_good
from trainer.progress import clock_time
from trainer.worker.messages import (
    LearnTags,
    LossPoint,
    ModelChanged,
    Pause,
    Promoted,
    SetModel,
    Start,
    State,
    StateChanged,
    Stop,
    TagsLearnt,
    TrainingProgress,
    ValidationPoint,
)

if TYPE_CHECKING:
    from annotator.panels.curves import Curves

POINTS = 2000
REDRAW_MS = 100
COLOURS = {
    State.IDLE: "muted",
    State.WAITING: "warn",
    State.TRAINING: "accent",
    State.CONVERGED: "good",
    State.PAUSED: "muted",
    State.FAILED: "bad",
}
RUNNING = (State.TRAINING, State.WAITING, State.CONVERGED)
HELD = (State.TRAINING, State.PAUSED)


class Rounds:
    """Numbers the rounds of a session: each run of the trainer counts its own from 1."""

    def __init__(self) -> None:
        self._before = self._last = 0

    def begin_run(self) -> None:
        """Count on from here."""
        self._before, self._last = self._before + self._last, 0

    def number(self, of_run: int) -> int:
        """The number in the session of a round of the run under way."""
        if of_run < self._last:
            self.begin_run()
        self._last = of_run
        return self._before + of_run


class TrainerPanel(QWidget):
    """State, progress, curves and versions of the trainer thread."""

    state_shown = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session, self._theme = session, theme
        self.state = State.IDLE
        self._lamp = QLabel()
        self.state_name = QLabel()
        self.state_name.setProperty("heading", True)
        self.state_name.setWordWrap(True)
        self.reason = explanation()
        self.button = QPushButton()
        self.button.setToolTip(translated(spec_of("train").help))
        self.button.clicked.connect(self.toggle)
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(
            self.tr("Stop this training. What it has learnt since the last model version is lost.")
        )
        self.stop.clicked.connect(lambda: session.predictor.post(Stop()))
        self.learn = QPushButton(translated(spec_of("learn_tags").text))
        self.learn.clicked.connect(self.learn_tags)
        self._learning = False
        self.propose_all = ProposeAllBox(session, theme)
        self.device = DeviceBox(session)
        self._progress = QProgressBar(textVisible=False)
        self._progress.setRange(0, 1000)
        self._doing = explanation()
        self._counter = Latest(session.jobs)
        self._loss: list[tuple[float, float]] = []
        self._validation: list[tuple[float, float, float]] = []
        self._rounds = Rounds()
        self._curves: Curves | None = None
        self._place_of_curves = QVBoxLayout()
        self.version_rows: list[QWidget] = []
        self._versions = QVBoxLayout()
        self._versions.setSpacing(2)
        self._redraw = QTimer(self, singleShot=True, interval=REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self._lay_out()
        session.trainer_message.connect(self.hear)
        session.record_changed.connect(lambda _: self._redraw.start())
        session.project_opened.connect(self._start)
        session.engine_changed.connect(self._show)
        session.busy_changed.connect(self._enable)
        session.predictor.unavailable.connect(self._could_not_load)
        theme.changed.connect(self._recolour)
        self._recolour()

    def sizeHint(self) -> QSize:
        """As wide as its neighbours."""
        return QSize(280, 380)

    def toggle(self) -> None:
        """Start training, or pause it."""
        self._session.predictor.post(Pause() if self.state in RUNNING else Start())
        self._say_that_it_waits()

    def learn_tags(self) -> None:
        """Learn the classes from the tags."""
        self._session.predictor.post(LearnTags())
        self._say_that_it_waits()

    def _say_that_it_waits(self) -> None:
        if self._session.worker is None:
            self.reason.setText(self.tr("Begins as soon as the models are loaded."))

    def hear(self, message: object) -> None:
        """Take in a message of the trainer thread."""
        match message:
            case StateChanged():
                if message.state is State.TRAINING and self.state not in HELD:
                    self._rounds.begin_run()
                self.state = message.state
                self._learning = self._learning and self.state in HELD
                self.reason.setText(sentence(message.reason))
                self._show()
            case TrainingProgress():
                self._show_progress(message)
            case LossPoint():
                if self._loss and message.step <= self._loss[-1][0]:
                    self._loss = []  # another run
                self._loss = [*self._loss[-POINTS:], (message.step, message.loss)]
                self._redraw.start()
            case ValidationPoint():
                number = self._rounds.number(message.round)
                self._validation.append((number, message.incumbent, message.challenger))
                self._redraw.start()
            case Promoted() | ModelChanged() | TagsLearnt():
                self._list_versions()
                if isinstance(message, ModelChanged) and message.note:
                    self._session.message.emit("warning", sentence(message.note))

    def _show_progress(self, progress: TrainingProgress) -> None:
        self._progress.setValue(round(1000 * progress.fraction))
        doing = localised(progress.text)
        if progress.round:
            number = self._rounds.number(progress.round)
            doing = self.tr("Round {round}: {text}").format(round=number, text=doing)
        else:
            self._rounds.begin_run()
        if progress.seconds_left is not None:
            left = clock_time(progress.seconds_left)
            doing = self.tr("{text} · {time} left").format(text=doing, time=left)
        self._doing.setText(doing)
        if self._learning != (progress.round == 0):
            self._learning = progress.round == 0
            self._show()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self._lamp)
        head.addWidget(self.state_name, 1)
        head.addWidget(self.stop)
        head.addWidget(self.button)
        inner = QWidget()
        body = QVBoxLayout(inner)
        body.setContentsMargins(12, 10, 12, 12)
        body.setSpacing(8)
        body.addLayout(head)
        learn_help = explanation(
            self.tr(
                "Learns your classes from the tags alone. A dozen photos take a few minutes, hundreds up to "
                "an hour; you can keep working."
            )
        )
        for widget in (
            *(self.reason, self._progress, self._doing, line()),
            *(self.learn, learn_help, line()),
            *(self.propose_all, line()),
        ):
            body.addWidget(widget)
        body.addLayout(self._place_of_curves)
        body.addWidget(heading(self.tr("Models")))
        body.addLayout(self._versions)
        body.addWidget(line())
        body.addWidget(self.device)
        body.addStretch()
        scroll = scrolled(inner)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _start(self) -> None:
        self._loss, self._validation, self._rounds = [], [], Rounds()
        self.state, self._learning = State.IDLE, False
        self.reason.setText(self.tr("The models are being loaded."))
        self._show()
        self._redraw.start()
        self._list_versions()

    def _could_not_load(self, error: Exception) -> None:
        self.state = State.FAILED
        self.reason.setText(self.tr("The models could not be loaded: {problem}").format(problem=error))
        self._show()

    def state_text(self) -> str:
        """The state in one word, in the present language."""
        return {
            State.IDLE: self.tr("Idle"),
            State.WAITING: self.tr("Waiting for corrections"),
            State.TRAINING: self.tr("Training"),
            State.CONVERGED: self.tr("Converged"),
            State.PAUSED: self.tr("Paused"),
            State.FAILED: self.tr("Failed"),
        }[self.state]

    def _show(self) -> None:
        self.state_name.setText(self.state_text())
        self._lamp.setPixmap(self._theme.icon("mdi6.circle", COLOURS[self.state]).pixmap(12, 12))
        running = self.state in RUNNING
        self.button.setText(self.tr("Pause") if running else self.tr("Start"))
        self.button.setIcon(self._theme.icon("mdi6.pause" if running else "mdi6.play"))
        training = self.state is State.TRAINING
        self.stop.setVisible(self.state in HELD)
        self._enable()
        self.learn.setIcon(self._theme.icon(spec_of("learn_tags").icon))
        self._progress.setVisible(training)
        self._doing.setVisible(training)
        self.propose_all.follow(training)
        self.state_shown.emit()

    def _enable(self) -> None:
        self.button.setEnabled(self._session.trains)
        self.learn.setEnabled(self._session.trains and not self._learning)

    def _recolour(self) -> None:
        if self._curves is not None:
            self._curves.recolour()
        self._show()
        self._redraw.start()
        self._list_versions()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what has changed while nobody saw it."""
        super().showEvent(event)
        self._redraw.start()

    def _draw(self) -> None:
        project = self._session.project
        if project is None or not self.isVisible():
            return

        def count() -> list[int]:
            import_for_good("annotator.panels.curves")  # the plotting library takes 0.4 s
            return project.strokes_a_photo()

        def counted(strokes: list[int]) -> None:
            if self._session.project is project:
                self._make_curves().draw(self._loss, self._validation, strokes)

        self._counter.submit(count, counted, self._could_not_count)

    def _make_curves(self) -> Curves:
        if self._curves is None:
            from annotator.panels.curves import Curves

            self._curves = Curves(self._theme)
            self._place_of_curves.addWidget(self._curves)
            self._place_of_curves.addWidget(line())
        return self._curves

    def _could_not_count(self, error: Exception) -> None:
        """Say it, unless the project was closed meanwhile."""
        if self._session.project is not None:
            self._session.report(error)

    def _list_versions(self) -> None:
        for old in self.version_rows:
            old.hide()
            old.deleteLater()
        self.version_rows = []
        project = self._session.project
        versions = project.model_versions() if project else []
        current = next((version.number for version in versions if version.current), 0)
        for version in reversed(versions):
            score = f"{version.score:.3f}" if version.score is not None else "–"
            text = self.tr("Model {number} · score {score}").format(number=version.number, score=score)
            self._add_version(version.number, text, f"{version.created}\n{version.note}".strip(), current)
        self._add_version(0, self.tr("Without fine-tuning"), "", current)

    def _add_version(self, number: int, text: str, tip: str, current: int) -> None:
        row = QWidget()
        row.setToolTip(tip)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(7)
        mark = QLabel()
        used = number == current
        icon = self._theme.icon(
            "mdi6.check-circle" if used else "mdi6.circle-outline", "good" if used else "faint"
        )
        mark.setPixmap(icon.pixmap(15, 15))
        layout.addWidget(mark)
        name = QLabel(text)
        name.setWordWrap(True)
        layout.addWidget(name, 1)
        if used:
            layout.addWidget(explanation(self.tr("in use")))
        else:
            back = QToolButton()
            back.setText(self.tr("Go back to"))
            back.setToolTip(self.tr("Use this model from now on; nothing is deleted."))
            back.clicked.connect(lambda: self._session.predictor.post(SetModel(number)))
            layout.addWidget(back)
        row.setMinimumHeight(30)
        self._versions.addWidget(row)
        self.version_rows.append(row)
