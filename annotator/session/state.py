"""The state of the desk: properties and signals of the session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRect, Signal

from annotator.class_colours import use_colours
from annotator.i18n import error_text, sentence
from annotator.session.document import Document, Labels
from annotator.session.jobs import Jobs
from annotator.session.predictor import EngineFactory, Predictor
from annotator.session.saver import Saver
from annotator.settings import BRUSH_SHARES, SMALLEST_BRUSH
from trainer.data.classes import ClassList
from trainer.data.project import ImageRecord, Project, Target
from trainer.memory import return_freed_memory

if TYPE_CHECKING:
    from trainer.engine import Engine, Proposal, Suggestion
    from trainer.method.settings import Settings
    from trainer.worker.thread import TrainerWorker

T = TypeVar("T")


class PaintValue(Generic[T]):
    """A value of the paint state; setting it to something new emits `paint_changed`."""

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_paint_" + name

    @overload
    def __get__(self, state: None, owner: type) -> PaintValue[T]: ...
    @overload
    def __get__(self, state: SessionState, owner: type) -> T: ...
    def __get__(self, state: SessionState | None, owner: type) -> T | PaintValue[T]:
        return self if state is None else state.__dict__.get(self.name, self.default)

    def __set__(self, state: SessionState, value: T) -> None:
        if value != self.__get__(state, type(state)):
            state.__dict__[self.name] = value
            state.paint_changed.emit()


class SessionState(QObject):
    """Open project, image and paint state. From outside only the paint state is set.

    The parts of the session also write to the open document, and use the methods at the end.
    """

    project_opened = Signal()
    engine_changed = Signal()
    image_changed = Signal(str)
    proposal_changed = Signal()
    suggestions_changed = Signal()
    layer_changed = Signal(str, QRect)
    marks_changed = Signal()
    record_changed = Signal(str)
    records_changed = Signal()
    classes_changed = Signal()
    settings_changed = Signal()
    paint_changed = Signal()
    undo_changed = Signal(bool, bool)
    busy_changed = Signal(bool, str)
    saved_changed = Signal(bool)
    weights_warning = Signal(str)
    message = Signal(str, str)
    trainer_message = Signal(object)

    target = PaintValue(Target.SEEDS)
    tool = PaintValue("brush")
    class_id = PaintValue(1)
    brush_share = PaintValue(0.024)
    protect_others = PaintValue(False)
    only_here = PaintValue(False)
    outline_clicks = PaintValue(True)
    pen_pressure = PaintValue(True)
    cam_class = PaintValue(0)

    def __init__(self, make_engine: EngineFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._classes = ClassList(())
        self._records: dict[str, ImageRecord] = {}
        self._order: tuple[str, ...] = ()
        self._document: Document | None = None
        self._tags_to_write: dict[str, tuple[str, ...] | None] = {}
        self._busy: dict[str, str] = {}
        self._changed = False  # since the project was opened
        self._warned_of_loss = False  # since the last change
        self.jobs = Jobs(2, self)
        self.jobs.rested.connect(lambda: self.jobs.submit(return_freed_memory))
        self.writer = Jobs(1, self)  # what it was given it writes, also when the desk is closed
        self.saver = Saver(self.writer, self)
        self.saver.changed.connect(self._note_change)
        self.saver.changed.connect(self.saved_changed)
        self.saver.failed.connect(lambda reason: self.message.emit("error", reason))
        self.predictor = Predictor(make_engine, self.jobs, self)
        self.predictor.heard.connect(self.trainer_message)

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self._project

    @property
    def engine(self) -> Engine | None:
        """Makes proposals, on the trainer thread only; None until the weights are loaded."""
        return self.predictor.engine

    @property
    def worker(self) -> TrainerWorker | None:
        """The trainer thread; None until the weights are loaded."""
        return self.predictor.worker

    @property
    def classes(self) -> ClassList:
        """The project's classes as they are shown; empty without a project."""
        return self._classes

    @property
    def records(self) -> dict[str, ImageRecord]:
        """Every image of the project by id, in order of name."""
        return self._records

    @property
    def order(self) -> tuple[str, ...]:
        """Ids in the order the images panel shows them: what `go` walks along."""
        return self._order

    @property
    def record(self) -> ImageRecord | None:
        """What the project knows of the open image."""
        return self._records.get(self.image_id)

    @property
    def tag_ids(self) -> tuple[int, ...]:
        """The classes that the open image is tagged with, in the order in which they are shown.

        It is that of the tags, unless a person has put the classes into one.
        """
        classes, record = self.classes, self.record
        ids = [classes.id_of(name) for name in record.tags if name in classes] if record else []
        return tuple(sorted(ids, key=classes.order.index) if classes.places else ids)

    @property
    def document(self) -> Document | None:
        """The open image with its layers, for the parts of the session."""
        return self._document

    @property
    def image_id(self) -> str:
        """Id of the open image, "" without one."""
        return self._document.id if self._document else ""

    @property
    def image(self) -> Labels | None:
        """uint8 H×W×3 RGB."""
        return self._document.image if self._document else None

    @property
    def proposal(self) -> Proposal | None:
        """What the method made of the open image; None until it has."""
        return self._document.proposal if self._document else None

    @property
    def cams(self) -> NDArray[np.float32] | None:
        """float32 K×H×W in [0, 1], one map for each of `cam_classes`."""
        return self.proposal.cams if self.proposal else None

    @property
    def cam_classes(self) -> tuple[int, ...]:
        """The class ids of `cams`."""
        return self.proposal.classes if self.proposal else ()

    @property
    def propagated(self) -> Labels | None:
        """uint8 H×W: what propagation or segmentation network alone makes of tags and the person's seeds."""
        return self._document.propagated if self._document else None

    @property
    def seeds(self) -> Labels | None:
        """uint8 H×W: the automatic seed cues with the person's corrections over them."""
        return self._document.seeds if self._document else None

    @property
    def corrections(self) -> Labels | None:
        """uint8 H×W: the person's seed strokes, 255 where untouched."""
        return self._document.corrections if self._document else None

    @property
    def mask(self) -> Labels | None:
        """uint8 H×W: the refined proposal with the hand edits over it; 255 where undecided."""
        return self._document.mask if self._document else None

    @property
    def shown_mask(self) -> Labels | None:
        """uint8 H×W: the mask, or another one while somebody looks at it."""
        document = self._document
        if document is None:
            return None
        return document.mask if document.looked_at is None else document.looked_at

    @property
    def automatic(self) -> Labels | None:
        """uint8 H×W: the mask before any stroke; None while there is none."""
        return self._document.automatic if self._document else None

    @property
    def accepted_mask(self) -> Labels | None:
        """uint8 H×W: the mask that was accepted last, also when it is open again; None where none was."""
        return self._document.last_accepted if self._document else None

    @property
    def mask_edits(self) -> Labels | None:
        """uint8 H×W: the hand edits, 255 where untouched, 254 for void."""
        return self._document.mask_edits if self._document else None

    @property
    def brush_radius(self) -> float:
        """Radius of the brush in image pixels: the same share of every photo."""
        return max(self.brush_share * self._longer_side, SMALLEST_BRUSH)

    @brush_radius.setter
    def brush_radius(self, value: float) -> None:
        low, high = BRUSH_SHARES
        self.brush_share = min(max(value / self._longer_side, low), high)

    @property
    def _longer_side(self) -> int:
        return max(self._document.shape) if self._document else 500

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """Tags the models would give the open image, while nobody has said all that is in it."""
        return self._document.suggestions if self._document else ()

    @property
    def trains(self) -> bool:
        """Whether the trainer takes commands: now, or as soon as the models are loaded."""
        return self._project is not None and (self.worker is not None or self.waits_for("engine"))

    @property
    def has_segmentation(self) -> bool:
        """Whether the models in use hold a segmentation network."""
        return self.engine is not None and self.engine.models.segmentation is not None

    @property
    def settings(self) -> Settings | None:
        """The method's parameters; None until the weights are loaded."""
        return self.engine.settings if self.engine else None

    @property
    def busy(self) -> bool:
        """Whether the open image waits for a result."""
        return bool(self._busy)

    @property
    def read_only(self) -> bool:
        """Whether nothing that is changed in the open project can be kept."""
        return self._project is not None and self._project.read_only

    @property
    def loses_changes(self) -> bool:
        """Whether something was done that is gone when the project is closed."""
        return self.read_only and self._changed

    @property
    def saved(self) -> bool:
        """Whether everything that was done is on disk."""
        return self.saver.idle

    def _note_change(self) -> None:
        self._changed, self._warned_of_loss = True, False

    def waits_for(self, reason: str) -> bool:
        """Whether the work announced by `set_busy` is in progress."""
        return reason in self._busy

    def set_busy(self, reason: str, text: str | None) -> None:
        """Announce work in progress, or with None that it has ended."""
        before = bool(self._busy)
        if text is None:
            self._busy.pop(reason, None)
        else:
            self._busy[reason] = text
        if before or self._busy:
            self.busy_changed.emit(bool(self._busy), next(reversed(self._busy.values()), ""))

    def end_busy(self) -> None:
        """Announce that all work has ended: its results will be ignored."""
        for reason in tuple(self._busy):
            self.set_busy(reason, None)

    def report(self, error: Exception) -> None:
        """Report an error to the user."""
        self.message.emit("error", error_text(error))

    def warn(self, problems: Sequence[str]) -> None:
        """Warn of what was left out: the first problem, and all of them as details if there are several."""
        if problems:
            texts = [sentence(problem) for problem in problems]
            every = "\n\n" + "\n".join(texts) if len(texts) > 1 else ""
            self.message.emit("warning", texts[0] + every)

    def reload_record(self, image_id: str) -> None:
        """Read an image's record again after something was written."""
        if self._project is not None and image_id in self._records:
            record = self._project.record(image_id)
            if image_id in self._tags_to_write:
                record = record.with_tags(self._tags_to_write[image_id])
            self._records[image_id] = record
            self.record_changed.emit(image_id)

    def write_tags(self, image_id: str, tags: tuple[str, ...] | None, done: Callable[[], object]) -> None:
        """Show tags at once, None for those that nobody has given; write them, and then call `done`."""
        project = self._project
        assert project is not None
        self._tags_to_write[image_id] = tags
        self.reload_record(image_id)

        def written() -> None:
            if self._tags_to_write.get(image_id) is tags:  # no others were given since
                del self._tags_to_write[image_id]
            if self._project is project:
                self.reload_record(image_id)
                done()

        self.saver.save(image_id, lambda: project.set_tags(image_id, tags), written)

    def take_in(self, records: Iterable[ImageRecord]) -> None:
        """Take images in that came to the project, and their order; of known ones what is known stays."""
        self._records = {record.id: self._records.get(record.id, record) for record in records}
        self.records_changed.emit()

    def renew(self, records: Iterable[ImageRecord]) -> None:
        """Show images as they are on disk now, but for tags that are still to be written."""
        waiting = self._tags_to_write
        self._records = {
            record.id: record.with_tags(waiting[record.id]) if record.id in waiting else record
            for record in records
        }
        self.records_changed.emit()

    def renew_classes(self) -> None:
        """Show the classes as they are on disk now."""
        self._classes = self._project.classes if self._project else ClassList(())
        use_colours(self._classes.colours)
        self.classes_changed.emit()

    def may_leave(self) -> bool:
        """Whether the open image may be left: not while a change to it is not on disk."""
        if self.saver.flush():
            return True
        self.message.emit(
            "error",
            self.tr("Your last change is not on disk yet: free some space, then try again."),
        )
        return False
