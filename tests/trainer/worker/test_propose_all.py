"""Proposals for all images, after everything else that the trainer thread has to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from corrected_photos import FOUR, PERSON, SIZES, add_mirrored, correct
from worker_desk import Desk

from trainer.data.project import Project, Status
from trainer.engine import Engine
from trainer.learn.finetune import copy_head
from trainer.worker.messages import (
    Message,
    Pause,
    Predict,
    Predicted,
    ProposalStored,
    ProposeAllEnded,
    ProposeAllProgress,
    SeedsChanged,
    StartSweep,
    State,
    StopSweep,
    ValidationPoint,
)

PHOTOS = ["astronaut", "chelsea", "rocket"]


@pytest.fixture
def desk(project: Project, engine: Engine) -> Iterator[Desk]:
    """A desk whose worker runs; it is stopped at the end, in time."""
    desk = Desk(project, engine)
    desk.worker.start()
    yield desk
    assert desk.worker.stop(2.0)


def proposed_for(desk: Desk) -> list[str]:
    """The images that proposals were made for, in order."""
    return [message.image for message in desk.all(ProposalStored)]


def test_every_tagged_image_is_proposed_and_kept_but_not_sent(desk: Desk, project: Project) -> None:
    desk.post(StartSweep())
    assert desk.wait(ProposeAllEnded) == ProposeAllEnded(3, False, ())
    assert proposed_for(desk) == PHOTOS and not desk.all(Predicted)
    assert desk.all(ProposeAllProgress) == [ProposeAllProgress(number, 3) for number in (1, 2, 3)]
    for record in project.images():
        mask = project.proposal_mask(record.id)
        assert mask is not None and mask.shape == SIZES[record.id]
        assert record.status is Status.PROPOSED and record.margin is not None


def test_a_later_pass_leaves_what_is_up_to_date_also_after_a_restart(
    desk: Desk, project: Project, engine: Engine
) -> None:
    desk.post(Predict("chelsea"))
    desk.wait(Predicted, lambda message: not message.proposal.fast)
    desk.post(StartSweep())
    desk.wait(ProposeAllEnded)
    assert proposed_for(desk) == ["astronaut", "rocket"]
    assert desk.worker.stop(2.0)
    project.set_tags("rocket", ["person"])
    later = Desk(project, engine)
    later.worker.start()
    later.post(StartSweep())
    later.wait(ProposeAllEnded)
    assert later.worker.stop(2.0)
    assert proposed_for(later) == ["rocket"]


def test_images_without_tags_corrected_or_accepted_are_left_alone(desk: Desk, project: Project) -> None:
    project.set_tags("rocket", None)
    correct(project, "chelsea")
    accepted = np.full(SIZES["astronaut"], PERSON, np.uint8)
    project.accept("astronaut", accepted)
    desk.post(StartSweep())
    assert desk.wait(ProposeAllEnded) == ProposeAllEnded(0, False, ())
    assert not any(project.proposal_mask(image) is not None for image in PHOTOS)


def test_what_a_person_did_while_it_was_proposed_has_the_last_word(desk: Desk, project: Project) -> None:
    accepted = np.full(SIZES["chelsea"], PERSON, np.uint8)

    def work_on_the_image_in_hand(message: Message) -> None:
        match message:
            case ProposeAllProgress(number=1):
                correct(project, "astronaut")
            case ProposeAllProgress(number=2):
                project.accept("chelsea", accepted)

    desk.react = work_on_the_image_in_hand
    desk.post(StartSweep())
    desk.wait(ProposeAllEnded)
    assert proposed_for(desk) == ["rocket"]
    assert project.record("astronaut").status is Status.CORRECTED
    assert project.proposal_mask("astronaut") is None
    assert (project.current_mask("chelsea") == accepted).all()


def test_an_image_that_fails_is_named_once_and_the_others_follow(desk: Desk, project: Project) -> None:
    file = project.record("astronaut").path
    file.write_bytes(file.read_bytes()[:1000])
    desk.post(StartSweep())
    ended = desk.wait(ProposeAllEnded)
    assert ended.images == 2 and proposed_for(desk) == ["chelsea", "rocket"]
    (problem,) = ended.problems
    assert file.name in problem


def test_an_image_that_is_opened_waits_for_one_image_at_most(desk: Desk) -> None:
    def open_another(message: Message) -> None:
        if message == ProposeAllProgress(1, 3):
            desk.post(Predict("rocket"))

    desk.react = open_another
    desk.post(StartSweep())
    assert desk.wait(ProposeAllEnded).images == 2  # the one that was opened is up to date by then
    served = [message for message in desk.messages if isinstance(message, Predicted | ProposalStored)]
    assert [message.image for message in served] == ["astronaut", "rocket", "rocket", "chelsea"]


def test_training_goes_first_until_it_is_paused(desk: Desk, project: Project) -> None:
    add_mirrored(project)
    correct(project, *FOUR)
    desk.post(SeedsChanged("astronaut", 4))
    desk.wait_state(State.TRAINING)
    desk.post(StartSweep())
    desk.wait(ValidationPoint, since=len(desk.messages))
    assert not desk.all(ProposeAllProgress)
    desk.post(Pause())
    assert desk.wait(ProposeAllEnded) == ProposeAllEnded(1, False, ())
    assert proposed_for(desk) == ["rocket"]


def other_settings(engine: Engine) -> None:
    engine.settings = replace(engine.settings, mode="mean")


def another_model(engine: Engine) -> None:
    engine.replace_models(affinity=copy_head(engine.affinity_net), version=1)


@pytest.mark.parametrize("change", [other_settings, another_model])
def test_what_was_proposed_before_settings_or_model_changed_is_proposed_anew(
    desk: Desk, engine: Engine, project: Project, change: Callable[[Engine], None]
) -> None:
    def change_on_the_way(message: Message) -> None:
        if message == ProposeAllProgress(2, 3):
            change(engine)

    desk.react = change_on_the_way
    desk.post(StartSweep())
    assert desk.wait(ProposeAllEnded).images == 3
    assert proposed_for(desk) == [*PHOTOS, "astronaut"]
    for record in project.images():
        assert project.proposal_origin(record.id) == engine.origin(record.tags)


def test_proposing_that_is_stopped_ends_after_the_image_in_hand(desk: Desk, project: Project) -> None:
    def stop(message: Message) -> None:
        if isinstance(message, ProposeAllProgress):
            desk.post(StopSweep())

    desk.react = stop
    desk.post(StartSweep(), StartSweep())
    assert desk.wait(ProposeAllEnded) == ProposeAllEnded(1, True, ())
    assert [project.record(image).status for image in PHOTOS] == [Status.PROPOSED, Status.NEW, Status.NEW]
    desk.post(StopSweep(), Predict("rocket"))  # none runs any more: nothing is said of it
    desk.wait(Predicted, lambda message: not message.proposal.fast)
    assert len(desk.all(ProposeAllEnded)) == 1
