"""A GPU that fails in the middle of whatever the trainer thread does: the CPU goes on, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from corrected_photos import FOUR, add_mirrored, correct
from stand_in_gpu import GPU, StandInGpu
from worker_desk import Desk

import trainer.worker.affinity_subject
import trainer.worker.tag_learning
from trainer.data.project import Project, Status
from trainer.engine import Engine
from trainer.worker.messages import (
    DeviceChanged,
    LearnTags,
    LossPoint,
    Message,
    Pause,
    Predict,
    Predicted,
    PredictFailed,
    ProposeAllEnded,
    SetDevice,
    Start,
    StartSweep,
    State,
    StateChanged,
    TagsLearnt,
    ValidationPoint,
)
from trainer.worker.model_versions import Taught, save_version, subject_of
from trainer.worker.thread import TrainerWorker

MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
GONE = RuntimeError("CUDA error: unspecified launch failure")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> StandInGpu:
    """A GPU that the trainer thread finds; it fails when it is given an error."""
    gpu, main = StandInGpu(), TrainerWorker._main

    def with_gpu(worker: TrainerWorker) -> None:
        with gpu:
            main(worker)

    monkeypatch.setattr(TrainerWorker, "_main", with_gpu)
    monkeypatch.setattr(trainer.worker.affinity_subject.AffinitySubject, "steps", 2)
    return gpu


@pytest.fixture
def desk(project: Project, engine: Engine, gpu: StandInGpu) -> Iterator[Desk]:
    """A desk whose worker is told to use the GPU first of all; it is not started yet."""
    desk = Desk(project, engine)
    desk.post(SetDevice(GPU))
    yield desk
    assert desk.worker.stop(2.0)


def fails_at(desk: Desk, gpu: StandInGpu, kind: type[Message], error: Exception) -> None:
    """Have the GPU fail for ever as soon as a message of a kind is sent."""

    def react(message: Message) -> None:
        if isinstance(message, kind) and gpu.error is None:
            gpu.error = error

    desk.react = react


def wait_for_the_cpu(desk: Desk) -> int:
    """Wait until the CPU goes on; return the number of messages before."""
    changed = desk.wait(DeviceChanged, lambda message: message.device == "cpu")
    assert "CPU goes on" in changed.reason and changed.reason.count(".") == 1
    return desk.messages.index(changed)


def test_a_proposal_comes_all_the_same(desk: Desk, gpu: StandInGpu, engine: Engine) -> None:
    desk.worker.start()
    assert desk.wait(DeviceChanged).device == engine.device == GPU
    gpu.error = MEMORY
    desk.post(Predict("chelsea"))
    wait_for_the_cpu(desk)
    desk.wait(Predicted, lambda message: not message.proposal.fast)
    assert not desk.all(PredictFailed) and not [m for m in desk.all(StateChanged) if m.state is State.FAILED]


def test_training_on_corrections_goes_on(desk: Desk, gpu: StandInGpu, project: Project) -> None:
    add_mirrored(project)
    correct(project, *FOUR)
    fails_at(desk, gpu, LossPoint, GONE)
    desk.worker.start()
    desk.wait(ValidationPoint, since=wait_for_the_cpu(desk))
    assert not [m for m in desk.all(StateChanged) if m.state is State.FAILED]


def test_the_version_in_use_stays_in_use(
    desk: Desk, gpu: StandInGpu, project: Project, engine: Engine
) -> None:
    subject = subject_of(engine, photos=3)
    net, *folds = (subject.blank(subject.classes) for _ in range(3))
    torch.nn.init.constant_(net.head.fuse.weight, 0.25)
    version = save_version(project, subject, Taught(net, tuple(folds), {"rocket": 0}), 0.5, "")
    desk.worker.start()
    desk.wait(DeviceChanged)
    gpu.error = GONE
    desk.post(Predict("chelsea"))
    since = wait_for_the_cpu(desk)
    assert desk.wait(Predicted, since=since).model_version == version.number
    assert engine.models.affinity is not None
    assert (engine.models.affinity.head.fuse.weight == 0.25).all()


def test_proposing_for_all_images_leaves_none_out(desk: Desk, gpu: StandInGpu, project: Project) -> None:
    fails_at(desk, gpu, trainer.worker.messages.ProposalStored, MEMORY)
    desk.post(StartSweep())
    desk.worker.start()
    wait_for_the_cpu(desk)
    ended = desk.wait(ProposeAllEnded)
    assert ended.images == 3 and not ended.problems
    assert {record.status for record in project.images()} == {Status.PROPOSED}


@pytest.mark.slow
@pytest.mark.parametrize("held", [False, True])
def test_learning_from_tags_begins_again_and_stays_held_where_it_was(
    desk: Desk, gpu: StandInGpu, project: Project, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLASSIFIER_RECIPE", "AFFINITY_RECIPE"):
        recipe = getattr(trainer.worker.tag_learning, name)
        small = replace(recipe.views, long_side=(60, 90), crop=64)
        monkeypatch.setattr(trainer.worker.tag_learning, name, replace(recipe, epochs=1, views=small))
    monkeypatch.setattr(trainer.worker.tag_learning, "LEAST_STEPS", 2)
    desk.post(LearnTags())
    if held:
        desk.react = lambda message: desk.post(Pause()) if isinstance(message, LossPoint) else None
        desk.worker.start()
        desk.wait_state(State.PAUSED)
        desk.react = lambda _: None
        gpu.error = GONE
        desk.post(Predict("chelsea"))
        since = wait_for_the_cpu(desk)
        desk.wait_state(State.PAUSED, since)
        desk.wait(Predicted)
        assert not desk.all(TagsLearnt)
        desk.post(Start())
    else:
        fails_at(desk, gpu, LossPoint, MEMORY)
        desk.worker.start()
        wait_for_the_cpu(desk)
    assert desk.wait(TagsLearnt).images == 3
