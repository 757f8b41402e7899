"""The trainer thread: answers predictions and learns from corrections while a person works."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch

from trainer.data.fingerprints import stamp
from trainer.data.images import load_image
from trainer.data.project import Project, Status
from trainer.devices import CPU, is_lost, reason_to_leave
from trainer.engine import Engine
from trainer.errors import UserError
from trainer.imports import import_for_good
from trainer.memory import return_freed_memory
from trainer.method.interrupt import Interrupted, interruptible
from trainer.translatable import TranslatableText, error_message, join_texts, translatable
from trainer.worker.finetuning import LEAST_PHOTOS, NothingToLearn, Training, too_few
from trainer.worker.messages import (
    Command,
    DeviceChanged,
    LearnTags,
    Message,
    ModelChanged,
    Pause,
    Predict,
    Predicted,
    PredictFailed,
    Priority,
    Promoted,
    SeedsChanged,
    SetDevice,
    SetModel,
    Shutdown,
    Start,
    StartSweep,
    State,
    StateChanged,
    Stop,
    StopSweep,
    TagsLearnt,
    ValidationPoint,
)
from trainer.worker.networks_in_use import NetworksInUse
from trainer.worker.prediction_queue import Request, Requests
from trainer.worker.propose_all import ProposeAll
from trainer.worker.stored_proposals import failure_reason, store_proposal
from trainer.worker.tag_learning import TOO_FEW, TagLearning, chosen
from trainer.worker.throttle import Outbox

REFRESHED = 32
"""How many of the images proposed last are proposed again when the model changes."""

log = logging.getLogger(__name__)


class TrainerWorker:
    """Runs in one background thread of its own; commands in by `post`, messages out by `emit`.

    Training on corrections begins by itself once enough images are corrected; learning from tags begins when
    asked to. What the worker has learnt is on disk when it says so (`Promoted`), so stopping it
    at any moment loses nothing. Predictions go first. Proposing for all images goes last: it does one image
    whenever there is nothing else to do.

    Where a GPU fails that it computes on, it goes on on the CPU by itself, with the very same networks.

    Full proposals are also kept in the project: the mask as the strokes refine it, the margin, and status
    PROPOSED of images that were NEW. Messages come on the worker's thread; those that only draw curves, ten a
    second at most.
    """

    def __init__(self, project: Project, engine: Engine, emit: Callable[[Message], None]) -> None:
        """After `start` the thread owns `engine`; only its settings may be changed from outside."""
        self._project, self._engine = project, engine
        self._outbox = Outbox(emit)
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._requests = Requests()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="trainer", daemon=True)
        self._networks = NetworksInUse(project, engine)
        self._training: Training | None = None
        self._state = State.IDLE
        self._run: Iterator[None] | None = None
        self._learns_tags = False
        self._propose_all: ProposeAll | None = None
        self._image: tuple[object, np.ndarray] | None = None
        self._proposed: dict[str, None] = {}

    # -- From any thread -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread; it loads the project's current model version first."""
        self._thread.start()

    def post(self, command: Command) -> None:
        """Post a command; returns at once."""
        if isinstance(command, Shutdown):
            self._stopping.set()
        self._commands.put(command)

    def stop(self, timeout: float = 2.0) -> bool:
        """End the thread, mid-batch if need be; True when it has ended within `timeout` seconds."""
        self.post(Shutdown())
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # -- The thread ------------------------------------------------------------------------------------------

    def _main(self) -> None:
        # torch keeps this number per thread. One core is left to the desk; the small maps and batches of a
        # labeler's project do not gain from more than four.
        torch.set_num_threads(max(1, min(4, (os.cpu_count() or 1) - 1)))
        try:
            with interruptible(self._stopping.is_set):
                self._guarded(self._open)
                while not self._stopping.is_set():
                    self._guarded(self._turn)
        except Interrupted:
            pass

    def _open(self) -> None:
        self._tell_of_damage(self._networks.use_current())
        self._begin()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do a piece of work; an error ends training with a reason, never the thread.

        One that a GPU may be to blame for makes the CPU go on instead.
        """
        try:
            work()
        except UserError as error:
            if not self._follow_classes():  # or else it went by names that a class has no more
                self._end_run(State.FAILED, error_message(error))
        except Exception as error:
            if is_lost(error, self._engine.device):
                log.warning("%s has failed", self._engine.device, exc_info=error)
                self._compute_on(CPU, reason_to_leave(error))
                return
            log.exception("the trainer thread failed")
            problem = f"{type(error).__name__}: {error}"
            self._end_run(
                State.FAILED,
                translatable("Training failed ({problem}); press Start to try again.", problem=problem),
            )

    def _turn(self) -> None:
        """Carry out the commands that have arrived, then do one short piece of work; sleep if there is
        neither.
        """
        busy = bool(self._requests) or self._state is State.TRAINING or self._propose_all is not None
        if not busy:
            self._outbox.flush()
            self._obey(self._commands.get())
        while not self._commands.empty():
            self._obey(self._commands.get())
        if self._stopping.is_set():
            return
        self._follow_classes()
        request = self._requests.take()
        if request is not None:
            self._predict(request)
        if self._state is State.TRAINING:
            if request is None or request.priority >= Priority.REFRESH:
                self._train()
        elif request is None and self._propose_all is not None and not self._propose_all.step():
            self._propose_all = None

    def _follow_classes(self) -> bool:
        """Go by the project's classes; whether they have changed. A run that has read others begins again."""
        former, classes = self._engine.models.classes, self._project.classes
        if former == classes:
            return False
        self._engine.replace_models(classes=classes)
        if classes.names[: len(former)] != former.names:
            self._begin_again()
        return True

    def _obey(self, command: Command) -> None:
        match command:
            case Predict():
                self._requests.ask(command)
            case SeedsChanged():
                # A run under way sees new corrections at its next round.
                if self._state in (State.WAITING, State.CONVERGED):
                    self._begin()
            case Start():
                if self._state is State.PAUSED and self._run is not None:
                    self._enter(State.TRAINING, translatable("Training has resumed."))
                elif self._state is not State.TRAINING:
                    self._begin()
            case Pause():
                if self._state in (State.TRAINING, State.WAITING, State.CONVERGED):
                    self._enter(State.PAUSED, translatable("Training is paused; press Start to resume."))
            case Stop():
                self._end_run(State.IDLE, translatable("Training is stopped; press Start to begin again."))
            case LearnTags():
                self._learn_tags()
            case SetModel():
                self._go_back(command.version)
            case SetDevice():
                if command.device != self._engine.device:
                    self._compute_on(command.device, command.reason)
            case StartSweep():
                self._propose_all = self._propose_all or ProposeAll(
                    self._project, self._engine, self._outbox.send
                )
            case StopSweep():
                if self._propose_all is not None:
                    self._propose_all.end(stopped=True)
                    self._propose_all = None
            case Shutdown():
                self._stopping.set()

    # -- Training --------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin a run, or wait for corrections and say for how many."""
        count, networks = len(self._project.corrected()), self._networks
        self._training = self._training or Training(
            self._project, self._engine, networks.untuned, self._hear, untuned_alpha=networks.untuned_alpha
        )
        # With the first correction it gets ready, so that the fourth one soon pays.
        if count == 0 or (count < LEAST_PHOTOS and self._training.ready):
            self._end_run(State.WAITING, too_few(count))
            return
        self._run, self._learns_tags = self._training.batches(), False
        reason = too_few(count)
        if count >= LEAST_PHOTOS:
            reason = translatable(
                "Learning from {n} corrected images; each is judged by a model that has not learnt from it.",
                n=count,
            )
        self._enter(State.TRAINING, reason)

    def _begin_again(self) -> None:
        """Forget what a run has learnt since the last version; one under way or held begins again."""
        state, learns_tags = self._state, self._learns_tags
        self._training, self._run, self._learns_tags = None, None, False
        if state not in (State.TRAINING, State.PAUSED):
            return
        if learns_tags:
            self._learn_tags()
        else:
            self._begin()
        if state is State.PAUSED:
            self._obey(Pause())

    def _learn_tags(self) -> None:
        """Start or resume learning from the tags; if too few images are tagged, only say so."""
        if self._learns_tags:
            self._enter(State.TRAINING, translatable("Training has resumed."))
        elif chosen(self._project.images()):
            self._run = TagLearning(self._project, self._engine, self._hear).batches()
            self._learns_tags = True
            self._enter(State.TRAINING, translatable("Learning your classes from the tags."))
        else:
            self._enter(self._state, TOO_FEW)

    def _train(self) -> None:
        assert self._run is not None
        import_for_good("torch._dynamo")  # torch imports it with the first optimiser
        try:
            next(self._run)
        except StopIteration:
            if self._learns_tags:
                self._begin()
                return
            self._end_run(
                State.CONVERGED,
                translatable("The last rounds brought no improvement; add more corrections."),
            )
        except NothingToLearn as error:
            self._end_run(State.WAITING, join_texts(too_few(error.count), error_message(error)))

    def _hear(self, message: Message) -> None:
        """Pass on a run's message; if it changed the models, untouched images get a new proposal."""
        self._outbox.send(message)
        if isinstance(message, ValidationPoint):
            return_freed_memory()  # a round takes tens of megabytes in passing
        if isinstance(message, TagsLearnt):
            self._training = None
            self._networks.keep()
        if isinstance(message, TagsLearnt | Promoted | ModelChanged):
            self._refresh()

    def _end_run(self, state: State, reason: TranslatableText) -> None:
        self._run, self._learns_tags = None, False
        self._enter(state, reason)

    def _enter(self, state: State, reason: TranslatableText) -> None:
        self._state = state
        self._outbox.send(StateChanged(state, reason))

    # -- Devices ---------------------------------------------------------------------------------------------

    def _compute_on(self, device: str, reason: str) -> None:
        """Go on on another device with the networks in main memory and on disk."""
        self._tell_of_damage(self._networks.move(device))
        self._outbox.send(DeviceChanged(device, reason))
        self._begin_again()

    # -- Model versions --------------------------------------------------------------------------------------

    def _go_back(self, number: int) -> None:
        """Use version `number`; a run on corrections begins again from it."""
        try:
            self._project.set_current_version(number)
            note = self._networks.use_current()
        except UserError as error:
            note = error_message(error)
        alpha = self._networks.alpha
        if alpha is not None:
            self._engine.settings = replace(self._engine.settings, alpha=alpha)
        self._outbox.send(ModelChanged(self._engine.models.version, note, alpha))
        self._refresh()
        self._training = None
        if self._run is not None and not self._learns_tags:
            self._begin()

    def _tell_of_damage(self, problems: TranslatableText) -> None:
        if problems:
            self._outbox.send(ModelChanged(self._engine.models.version, problems))

    def _refresh(self) -> None:
        """Request new proposals for the images proposed last that nobody has touched."""
        for image in list(self._proposed)[-REFRESHED:]:
            if self._project.record(image).untouched:
                self._requests.ask(Predict(image, Priority.REFRESH))

    # -- Predictions -----------------------------------------------------------------------------------------

    def _predict(self, request: Request) -> None:
        try:
            self._outbox.send(self._proposal(request))
        except Exception as error:
            again = Predict(request.image, Priority(request.priority))
            if is_lost(error, self._engine.device):
                self._requests.ask(again)
                raise
            if self._follow_classes():  # it went by names that a class has no more
                self._requests.ask(again)
                return
            self._outbox.send(PredictFailed(request.image, failure_reason(request.image, error)))

    def _proposal(self, request: Request) -> Predicted:
        record = self._project.record(request.image)
        photo = record.id, stamp(record.path)  # another one may lie there by now
        if self._image is None or self._image[0] != photo:
            self._image = photo, load_image(record.path)
        # Settings may be replaced at any moment: those before are told, so that a mixture passes for neither.
        settings, version = self._engine.settings, self._engine.models.version
        origin = "" if request.fast else self._engine.origin(record.tags)
        proposal = self._engine.propose(self._image[1], record.tags, request.fast)
        if not request.fast:
            self._proposed.pop(record.id, None)
            self._proposed[record.id] = None
            if record.status is not Status.ACCEPTED:
                store_proposal(self._project, record, proposal, origin)
        return Predicted(record.id, record.tags, settings, version, record.seed_revision, proposal)
