"""Engine and trainer thread of the desk: requests proposals and passes on only current ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from cachetools import LRUCache
from PySide6.QtCore import QObject, Signal

from annotator.i18n import localised
from annotator.session.document import Labels
from annotator.session.jobs import Jobs
from trainer.data.project import Project
from trainer.devices import CPU, find_gpu, is_lost, reason_to_leave
from trainer.imports import import_for_good
from trainer.worker.messages import (
    Command,
    LearnTags,
    ModelChanged,
    Pause,
    Predict,
    Predicted,
    PredictFailed,
    Priority,
    Promoted,
    SetDevice,
    Start,
    Stop,
    TagsLearnt,
)

if TYPE_CHECKING:
    # torch takes a second to import: that is done in the pool, when the window stands already.
    from annotator.session.engine_loading import Loaded
    from trainer.engine import Engine, Proposal, Suggestion
    from trainer.method.settings import Settings
    from trainer.worker.thread import TrainerWorker

EngineFactory = Callable[[Project], "Loaded"]
KEPT_PROPOSALS = 8
STOP_SECONDS = 2.0


class Bridge(QObject):
    """Give `deliver` to the trainer thread; `arrived` fires in the thread this object lives in."""

    arrived = Signal(object)

    def deliver(self, message: object) -> None:
        """Hand over one message; callable from any thread."""
        # The desk may be gone while the thread says its last words: then nobody is left to listen.
        with suppress(RuntimeError):
            self.arrived.emit(message)


class Predictor(QObject):
    """Loads the models off the GUI thread, then keeps one trainer thread per project."""

    ready = Signal(str)  # what the weights cannot do, "" for nothing
    unavailable = Signal(object)  # the exception
    proposed = Signal(str, object)  # image id, Proposal
    failed = Signal(str, str)  # image id, reason
    gpu_found = Signal()  # or none: `gpu` says so
    model_changed = Signal(int)
    tags_learnt = Signal(TagsLearnt)
    heard = Signal(object)  # every message, for those who draw them

    def __init__(self, make_engine: EngineFactory, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make_engine = make_engine
        self.engine: Engine | None = None
        self.fitting: Settings | None = None  # the settings the models came with
        self.worker: TrainerWorker | None = None
        self.gpu = ""  # what torch calls that of this machine, "" for none
        self.wants_gpu = True
        self._suggester: Engine | None = None
        self._suggested_by: object = None  # its models, as they were taken from the trainer thread's engine
        self._jobs = jobs
        self._bridge: Bridge | None = None
        self._project: Project | None = None
        self._version = 0
        self._waiting: list[Command] = []
        self._answers: LRUCache[str, Predicted] = LRUCache(KEPT_PROPOSALS)

    def start(self, project: Project) -> None:
        """Load the models for `project` and start its trainer thread; `ready` tells when."""
        self._project = project
        # An own bridge for each thread: words of a thread that was stopped reach nobody.
        bridge = self._bridge = Bridge(self)
        bridge.arrived.connect(self.hear)

        def load() -> tuple[Loaded, TrainerWorker, int]:
            import_for_good("trainer.worker.thread")  # torch, which the window does not wait for
            from trainer.worker.thread import TrainerWorker

            loaded = self._make_engine(project)
            version = next((version.number for version in project.model_versions() if version.current), 0)
            return loaded, TrainerWorker(project, loaded.engine, bridge.deliver), version

        def ready(result: tuple[Loaded, TrainerWorker, int]) -> None:
            if self._project is project and self._bridge is bridge:
                loaded, self.worker, self._version = result
                self.engine = loaded.engine
                self.fitting = loaded.engine.settings
                self.worker.start()
                # torch may take seconds to get a GPU ready: the first proposals do not wait for it.
                self._jobs.submit(find_gpu, found)
                self.ready.emit(loaded.warning)  # the open photo is asked for first
                for command in self._waiting:
                    self.worker.post(command)
                self._waiting.clear()

        def found(gpu: str) -> None:
            if self._project is project and self._bridge is bridge:
                self.gpu = gpu
                self.gpu_found.emit()
                self._choose_device()

        def refused(error: Exception) -> None:
            if self._project is project and self._bridge is bridge:
                self.unavailable.emit(error)

        self._jobs.submit(load, ready, refused)

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """End the trainer thread; True when it has ended in time."""
        worker, self.worker, self.engine, self._suggester = self.worker, None, None, None
        self._project = None
        self._waiting.clear()
        self._answers.clear()
        if self._bridge is not None:
            self._bridge.arrived.disconnect(self.hear)
            self._bridge = None
        return worker.stop(seconds) if worker else True

    def use_gpu(self, wanted: bool) -> None:
        """Compute on the GPU where there is one, or not; training under way begins again."""
        self.wants_gpu = wanted
        self._choose_device()

    def _choose_device(self) -> None:
        if self.gpu:
            self.post(SetDevice(self.gpu if self.wants_gpu else CPU))

    def post(self, command: Command) -> None:
        """Hand a command to the trainer thread; what a person asked of it waits for models still loading."""
        if self.worker is not None:
            self.worker.post(command)
        elif self._project is not None and isinstance(command, Start | Pause | Stop | LearnTags):
            self._waiting.append(command)

    def ask(self, image_id: str, priority: Priority = Priority.OPEN) -> None:
        """Ask for a proposal, which `proposed` delivers."""
        self.post(Predict(image_id, priority))

    def known(self, image_id: str) -> Proposal | None:
        """The full proposal that was made lately of the present tags, by the present model and settings."""
        answer = self._answers.get(image_id)
        return answer.proposal if answer is not None and self._is_current(answer) else None

    def forget(self) -> None:
        """Forget all proposals: photos are others than they were."""
        self._answers.clear()

    def set_settings(self, settings: Settings) -> None:
        """Use `settings` from the next proposal on."""
        if self.engine is not None:
            self.engine.settings = settings

    @property
    def suggesting(self) -> tuple[object, ...]:
        """The networks that suggest tags now; suggestions of others are out of date."""
        models = self.engine.models if self.engine is not None else None
        return (models.classifier, models.segmentation) if models is not None else ()

    def suggest_tags(self, image: Labels) -> list[Suggestion]:
        """Tags that a uint8 H×W×3 image may deserve; for the job pool, one call at a time."""
        engine = self.engine
        if engine is None:
            return []
        models = engine.models
        try:
            # An engine serves one thread: this one shares the other's networks.
            if self._suggester is None or self._suggested_by is not models:
                from trainer.engine import Engine

                self._suggester, self._suggested_by = Engine(models, engine.settings, models.device), models
            return self._suggester.suggest_tags(image)
        except Exception as error:
            if not is_lost(error, models.device):
                raise
            self.post(SetDevice(CPU, reason_to_leave(error)))
            return []

    def hear(self, message: object) -> None:
        """Take in a message of the trainer thread."""
        match message:
            case Predicted():
                if self._is_wanted(message):
                    self._keep(message)
                    self.proposed.emit(message.image, message.proposal)
            case PredictFailed():
                self.failed.emit(message.image, localised(message.reason))
            case TagsLearnt():
                self._version = 0
                self._answers.clear()
                self.tags_learnt.emit(message)
            case Promoted() | ModelChanged():
                if message.version != self._version:
                    self._version = message.version
                    self._answers.clear()
                    self.model_changed.emit(message.version)
        self.heard.emit(message)

    def _is_wanted(self, answer: Predicted) -> bool:
        """Whether an answer is still useful; a fast one is not if the full one has arrived."""
        return self._is_current(answer) and not (answer.proposal.fast and self.known(answer.image))

    def _is_current(self, answer: Predicted) -> bool:
        """Whether an answer was made with the current tags, settings and model; if not, another one was
        requested.
        """
        project, engine = self._project, self.engine
        return (
            project is not None
            and engine is not None
            and answer.model_version == self._version
            and answer.settings == engine.settings
            and answer.tags == project.record(answer.image).tags
        )

    def _keep(self, answer: Predicted) -> None:
        if not answer.proposal.fast:
            self._answers[answer.image] = answer
