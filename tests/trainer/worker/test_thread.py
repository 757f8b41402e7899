"""The trainer thread as the desk sees it: commands in, messages out, nothing lost and nothing left behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corrected_photos import FOUR, PERSON, SIZES, add_mirrored, correct
from worker_desk import Desk

import trainer.worker.affinity_subject
import trainer.worker.finetuning
import trainer.worker.verdict
from trainer.data.project import Project, Status, Target
from trainer.engine import Engine
from trainer.worker.messages import (
    LossPoint,
    Message,
    ModelChanged,
    Pause,
    Predict,
    Predicted,
    PredictFailed,
    Priority,
    Promoted,
    SeedsChanged,
    SetModel,
    Start,
    State,
    StateChanged,
    Stop,
    ValidationPoint,
)


@pytest.fixture
def desk(project: Project, engine: Engine) -> Iterator[Desk]:
    """A desk whose worker is not started yet; it is stopped at the end, in time."""
    add_mirrored(project)
    desk = Desk(project, engine)
    yield desk
    assert desk.worker.stop(2.0)


@pytest.fixture
def convinced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make short rounds, and little evidence enough: four photos and a random network are a weak case."""
    monkeypatch.setattr(trainer.worker.affinity_subject.AffinitySubject, "steps", 10)
    monkeypatch.setattr(trainer.worker.verdict, "CONFIDENCE", 0.6)
    monkeypatch.setattr(trainer.worker.verdict, "LEAST_GAIN", 0.0)


def give_up_soon(monkeypatch: pytest.MonkeyPatch, patience: int) -> None:
    """Make rounds short, and no evidence good enough."""
    monkeypatch.setattr(trainer.worker.affinity_subject.AffinitySubject, "steps", 1)
    monkeypatch.setattr(trainer.worker.finetuning, "PATIENCE", patience)
    monkeypatch.setattr(trainer.worker.verdict, "LEAST_GAIN", 1.0)


@pytest.mark.usefixtures("convinced")
def test_corrections_on_four_images_make_a_promoted_version_that_is_strictly_better(
    desk: Desk, project: Project, engine: Engine
) -> None:
    correct(project, *FOUR)
    desk.worker.start()
    promoted = desk.wait(Promoted)
    verdict = desk.all(ValidationPoint)[-1]
    assert verdict.challenger > verdict.incumbent
    assert desk.worker.stop(2.0)
    version = project.model_versions()[promoted.version - 1]
    assert version.file.name == "affinity-v0001.safetensors" and version.file.is_file()
    assert version.score == promoted.score == verdict.challenger
    assert engine.models.version >= promoted.version and engine.models.affinity is not None
    assert promoted.alpha is not None and engine.settings.alpha == desk.all(Promoted)[-1].alpha


def test_closing_in_the_middle_of_training_ends_the_thread_and_loses_nothing(
    desk: Desk, project: Project
) -> None:
    correct(project, *FOUR)
    before = project.layer("astronaut", Target.SEEDS, SIZES["astronaut"])
    desk.worker.start()
    desk.wait(LossPoint)
    assert desk.worker.stop(2.0)
    assert "trainer" not in {thread.name for thread in threading.enumerate()}
    assert (project.layer("astronaut", Target.SEEDS, SIZES["astronaut"]) == before).all()


def test_training_waits_for_corrections_and_begins_by_itself(desk: Desk, project: Project) -> None:
    desk.worker.start()
    assert "4 more images" in desk.wait_state(State.WAITING).reason
    correct(project, *FOUR[:3])
    seen = len(desk.messages)
    desk.post(SeedsChanged("chelsea", 2))
    assert "one more" in desk.wait_state(State.WAITING, seen).reason
    correct(project, FOUR[3])
    desk.post(SeedsChanged(FOUR[3], 4))
    desk.wait_state(State.TRAINING)
    desk.wait(LossPoint)


def test_pause_holds_training_start_goes_on_and_stop_ends_it(desk: Desk, project: Project) -> None:
    correct(project, *FOUR)
    desk.worker.start()
    desk.wait(LossPoint)
    desk.post(Pause(), Predict("rocket"))
    desk.wait_state(State.PAUSED)
    desk.wait(Predicted, lambda message: not message.proposal.fast)  # answered while training is held
    held = desk.all(LossPoint)[-1].step
    seen = len(desk.messages)
    desk.post(Start())
    desk.wait_state(State.TRAINING, seen)
    assert desk.wait(LossPoint, since=seen).step > held
    desk.post(Stop())
    desk.wait_state(State.IDLE)
    seen = len(desk.messages)
    desk.post(SeedsChanged("chelsea", 3), Predict("rocket"))
    desk.wait(Predicted, lambda message: not message.proposal.fast, seen)
    assert not any(isinstance(message, LossPoint | StateChanged) for message in desk.messages[seen:])


def test_training_converges_and_new_corrections_wake_it(
    desk: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up_soon(monkeypatch, patience=1)
    correct(project, *FOUR)
    desk.worker.start()
    desk.wait_state(State.CONVERGED)
    assert len(desk.all(ValidationPoint)) == 1
    seen = len(desk.messages)
    correct(project, "chelsea")
    desk.post(SeedsChanged("chelsea", 4))
    desk.wait_state(State.TRAINING, seen)
    desk.wait_state(State.CONVERGED, seen)


def test_corrections_made_during_a_run_give_it_patience_anew(
    desk: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up_soon(monkeypatch, patience=2)
    correct(project, *FOUR)

    def paint_after_the_first_round(message: Message) -> None:
        if isinstance(message, ValidationPoint) and message.round == 1:
            correct(project, "chelsea")

    desk.react = paint_after_the_first_round
    desk.worker.start()
    desk.wait_state(State.CONVERGED)
    assert [point.round for point in desk.all(ValidationPoint)] == [1, 2, 3]


def test_the_open_image_gets_a_fast_and_a_full_proposal_that_are_kept_and_carry_their_origin(
    desk: Desk, project: Project
) -> None:
    correct(project, "chelsea")
    desk.worker.start()
    desk.post(Predict("chelsea"), Predict("rocket"))
    full = desk.wait(Predicted, lambda message: message.image == "chelsea" and not message.proposal.fast)
    assert (full.seed_revision, full.model_version) == (project.record("chelsea").seed_revision, 0)
    assert project.record("chelsea").seed_revision == 2
    assert [m.proposal.fast for m in desk.all(Predicted) if m.image == "rocket"] == [True, False]
    kept = project.proposal_mask("rocket")
    assert kept is not None and not kept.any()  # tagged as showing no class: all background
    record = project.record("rocket")
    assert record.status is Status.PROPOSED and record.margin == 0
    assert project.record("chelsea").status is not Status.PROPOSED
    assert project.record("chelsea").margin == pytest.approx(full.proposal.margin)


def test_of_an_image_that_nobody_has_tagged_nothing_is_kept(desk: Desk, project: Project) -> None:
    project.set_tags("rocket", None)
    desk.worker.start()
    desk.post(Predict("rocket"))
    proposal = desk.wait(Predicted, lambda message: not message.proposal.fast).proposal
    assert not proposal.mask.any()
    assert project.proposal_mask("rocket") is None
    assert project.record("rocket").status is Status.NEW


def test_the_mask_that_is_kept_of_a_corrected_image_follows_its_strokes(desk: Desk, project: Project) -> None:
    correct(project, "chelsea")
    box = (120, 10, 140, 30)
    project.record_edit(
        "chelsea",
        Target.MASK,
        box,
        np.full((20, 20), 255, np.uint8),
        np.full((20, 20), PERSON, np.uint8),
        "b",
    )
    desk.worker.start()
    desk.post(Predict("chelsea", Priority.NEXT))
    proposal = desk.wait(Predicted).proposal
    refined = proposal.refine(project.layer("chelsea", Target.SEEDS, SIZES["chelsea"]))
    assert (refined != proposal.mask).any()
    np.testing.assert_array_equal(project.proposal_mask("chelsea"), refined)
    refined[120:140, 10:30] = PERSON
    np.testing.assert_array_equal(project.current_mask("chelsea"), refined)


def test_a_class_added_while_working_is_known_to_predictions_and_training(
    desk: Desk, project: Project
) -> None:
    desk.worker.start()
    desk.wait_state(State.WAITING)
    moon = project.add_class("moon")
    correct(project, *FOUR)
    box, shape = (0, 150, 30, 190), (30, 40)
    before, after = np.full(shape, 255, np.uint8), np.full(shape, moon, np.uint8)
    project.record_edit("chelsea", Target.SEEDS, box, before, after, "brush")
    project.set_tags("rocket", ["moon"])
    desk.post(Predict("rocket"), SeedsChanged("chelsea", 3))
    proposal = desk.wait(Predicted, lambda message: not message.proposal.fast).proposal
    assert proposal.classes == (moon,) and "moon" in proposal.note
    desk.wait(LossPoint)


def test_an_image_that_cannot_be_read_is_told_and_the_thread_goes_on(desk: Desk, project: Project) -> None:
    file = project.record("astronaut").path
    file.write_bytes(file.read_bytes()[:1000])
    desk.worker.start()
    desk.post(Predict("astronaut"), Predict("no such image"), Predict("chelsea"))
    desk.wait(Predicted, lambda message: message.image == "chelsea")
    for image, named in (("astronaut", file.name), ("no such image", "no such image")):
        failed = desk.wait(PredictFailed, lambda message, image=image: message.image == image)
        assert named in failed.reason


def test_a_round_that_fails_says_why_and_start_tries_again(
    desk: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise FloatingPointError("the training loss is no longer a number")

    correct(project, *FOUR)
    with monkeypatch.context() as broken:
        broken.setattr(trainer.worker.affinity_subject.FineTuner, "step", fail)
        desk.worker.start()
        assert "no longer a number" in desk.wait_state(State.FAILED).reason
    desk.post(Start())
    desk.wait(LossPoint)


def damage(file: Path) -> bytes:
    """Cut a file short; return what it was."""
    photo = file.read_bytes()
    file.write_bytes(photo[:1000])
    return photo


def test_a_corrected_image_that_cannot_be_read_is_left_out_with_a_word(desk: Desk, project: Project) -> None:
    correct(project, *FOUR)
    mask = np.zeros(SIZES["rocket"], np.uint8)
    mask[40:90, 60:120] = PERSON
    project.accept("rocket", mask)
    file = project.record("chelsea").path
    damage(file)
    desk.worker.start()
    assert (
        file.name
        in desk.wait(StateChanged, lambda message: "Training continues without" in message.reason).reason
    )
    desk.wait(ValidationPoint)
    assert not [message for message in desk.all(StateChanged) if message.state is State.FAILED]


def test_an_image_that_is_damaged_while_it_is_learnt_from_is_left_out_once_it_is_looked_at_again(
    desk: Desk, project: Project
) -> None:
    correct(project, *FOUR)
    desk.worker.start()
    desk.wait(LossPoint)
    damage(project.record("astronaut").path)
    correct(project, "astronaut")
    assert "Training continues without astronaut" in desk.wait_state(State.WAITING).reason


def test_where_too_few_images_can_be_read_it_says_why_and_start_tries_again(
    desk: Desk, project: Project
) -> None:
    correct(project, *FOUR)
    file = project.record("chelsea").path
    photo = damage(file)
    desk.worker.start()
    assert file.name in desk.wait_state(State.WAITING).reason
    file.write_bytes(photo)
    desk.post(Start())
    desk.wait(LossPoint)


@pytest.mark.usefixtures("convinced")
def test_going_back_to_a_version_and_forward_again(desk: Desk, project: Project, engine: Engine) -> None:
    correct(project, *FOUR)
    alpha = engine.settings.alpha
    desk.worker.start()
    first = desk.wait(Promoted)
    desk.post(Stop(), SetModel(0))
    changed = desk.wait(ModelChanged, lambda message: message.version == 0)
    assert engine.models.affinity is None
    assert changed.alpha == engine.settings.alpha == alpha
    assert not any(version.current for version in project.model_versions())
    desk.post(SetModel(1), SetModel(99))
    assert desk.wait(ModelChanged, lambda message: "99" in message.note).version == 1
    assert engine.models.affinity is not None
    assert engine.settings.alpha == first.alpha != alpha


@pytest.mark.usefixtures("convinced")
def test_a_damaged_version_gives_way_to_the_one_before_it_with_a_word(
    desk: Desk, project: Project, engine: Engine
) -> None:
    correct(project, *FOUR)
    desk.worker.start()
    desk.wait(Promoted)
    assert desk.worker.stop(2.0)
    newest = project.model_versions()[-1]
    damaged = project.models_dir / "affinity-v0099.safetensors"
    damaged.write_bytes(newest.file.read_bytes()[:5000])
    project.add_model_version(damaged, 0.9)
    later = Desk(project, engine)
    later.worker.start()
    changed = later.wait(ModelChanged)
    assert later.worker.stop(2.0)
    assert changed.version == newest.number and damaged.name in changed.note
    assert [version.number for version in project.model_versions() if version.current] == [newest.number]


@pytest.mark.usefixtures("convinced")
def test_a_promotion_refreshes_untouched_images_and_never_an_accepted_one(
    desk: Desk, project: Project
) -> None:
    desk.worker.start()
    desk.post(Predict("rocket"), Predict("astronaut"), Predict("chelsea"))
    for image in ("rocket", "astronaut", "chelsea"):
        desk.wait(
            Predicted, lambda message, image=image: message.image == image and not message.proposal.fast
        )
    correct(project, *FOUR)
    accepted = np.zeros(SIZES["astronaut"], np.uint8)
    accepted[20:185, 60:120] = PERSON
    project.accept("astronaut", accepted)
    desk.post(SeedsChanged("astronaut", 4))
    version = desk.wait(Promoted).version
    refreshed = desk.wait(Predicted, lambda message: message.model_version >= version)
    assert refreshed.image == "rocket"
    assert (project.accepted_mask("astronaut") == accepted).all()


def test_an_idle_worker_sleeps_until_it_is_spoken_to(
    project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[tuple[Any, ...]] = []

    class Watched(queue.SimpleQueue):  # type: ignore[type-arg]
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            waits.append((block, timeout))
            return super().get(block, timeout)

    monkeypatch.setattr(queue, "SimpleQueue", Watched)
    desk = Desk(project, engine)
    desk.worker.start()
    desk.post(Predict("rocket"))
    desk.wait(Predicted, lambda message: not message.proposal.fast)
    assert desk.worker.stop(2.0)
    # One for the request, one for the shutdown: nobody polls.
    assert waits == [(True, None), (True, None)]
