"""Classes that are renamed, merged and deleted while the trainer works: it goes by them, and never fails."""

from collections.abc import Iterator

import pytest
from corrected_photos import CAT, FOUR, PERSON, add_mirrored, correct
from worker_desk import Desk

import trainer.worker.affinity_subject
from trainer.data import class_changes
from trainer.data.project import Project
from trainer.engine import Engine
from trainer.worker.messages import LossPoint, Predict, Predicted, PredictFailed, Priority, Start, State


@pytest.fixture
def desk(project: Project, engine: Engine) -> Iterator[Desk]:
    """A desk whose worker runs."""
    add_mirrored(project)
    desk = Desk(project, engine)
    desk.worker.start()
    yield desk
    assert desk.worker.stop(2.0)


def predicted(desk: Desk, image: str) -> Predicted:
    """The full proposal that is asked for now."""
    since = len(desk.messages)
    desk.post(Predict(image, Priority.OPEN))
    return desk.wait(Predicted, lambda message: not message.proposal.fast, since)


def test_proposals_go_by_renamed_and_merged_classes(desk: Desk, project: Project) -> None:
    before = predicted(desk, "chelsea")
    project.change_classes(class_changes.rename(project.class_meaning, CAT, "feline"))
    renamed = predicted(desk, "chelsea")
    assert renamed.tags == ("feline",) and (renamed.proposal.mask == before.proposal.mask).all()
    project.change_classes(class_changes.merge(project.class_meaning, [CAT], PERSON))
    merged = predicted(desk, "chelsea")
    assert merged.tags == ("person",) and merged.proposal.classes == (PERSON,)
    project.undo_class_change()
    assert predicted(desk, "chelsea").proposal.classes == (CAT,)
    project.change_classes(class_changes.delete(project.class_meaning, [CAT]))
    assert predicted(desk, "chelsea").proposal.classes == ()
    assert not desk.all(PredictFailed)


def test_training_goes_on_with_the_classes_as_they_are(
    desk: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.worker.affinity_subject.AffinitySubject, "steps", 4)
    correct(project, *FOUR)
    desk.post(Start())
    for change in (
        lambda meaning: class_changes.rename(meaning, CAT, "feline"),
        lambda meaning: class_changes.merge(meaning, [CAT], PERSON),
        lambda meaning: class_changes.delete(meaning, [PERSON]),
    ):
        desk.wait(LossPoint, since=len(desk.messages))
        project.change_classes(change(project.class_meaning))
    for _ in range(3):
        desk.wait(LossPoint, since=len(desk.messages))
        project.undo_class_change()
    desk.wait(LossPoint, since=len(desk.messages))
    states = {message.state for message in desk.messages if hasattr(message, "state")}
    assert State.FAILED not in states and State.TRAINING in states
