"""Many images at once: what is done to them, and taken back, is in the project file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.batch_rows import BatchKind
from trainer.data.classes import VOID
from trainer.data.project import Project, Status, Target
from trainer.data.review_rows import Verdict

NAMES = tuple("abcdef")
SHAPE = (6, 8)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for shade, name in enumerate(NAMES):
        Image.new("RGB", SHAPE[::-1], (shade, 20, 30)).save(tmp_path / f"{name}.png")
    (tmp_path / "tags.csv").write_text("image,tags\na,cat\nb,cat dog\nc,dog\nd,cat\n")
    return Project.open_folder(tmp_path)


def propose(project: Project, image_id: str, value: int = 8) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:4, 1:5] = value
    project.store_proposal_mask(image_id, mask)
    return mask


def reopened(project: Project) -> Project:
    project.close()
    return Project.open(project.root)


def test_tags_are_given_and_taken(project: Project) -> None:
    assert project.batch(BatchKind.TAG, ("a", "b", "e"), tag="dog").images == ("a", "e")
    assert [project.record(name).tags for name in "abe"] == [("cat", "dog"), ("cat", "dog"), ("dog",)]
    assert project.batch(BatchKind.UNTAG, NAMES, tag="cat").images == ("a", "b", "d")
    assert project.record("d").tags == () and project.record("d").tagged
    assert not project.record("f").tagged
    for _ in range(2):
        project = reopened(project)
        assert project.undo_batch() is not None
    assert project.undo_batch() is None and project.last_batch() is None
    assert [project.record(name).tags for name in "abde"] == [("cat",), ("cat", "dog"), ("cat",), ()]
    assert not project.record("e").tagged
    project.close()


def test_masks_are_accepted_as_they_are_shown_and_those_that_say_nothing_are_left_out(
    project: Project,
) -> None:
    mask = propose(project, "a")
    project.store_proposal_mask("b", np.full(SHAPE, VOID, np.uint8))
    stroke = np.full((1, 2), 12, np.uint8)
    project.record_edit("a", Target.MASK, (0, 0, 1, 2), np.full_like(stroke, 255), stroke, "brush")
    done: list[int] = []
    batch = project.batch(BatchKind.ACCEPT, ("a", "b", "c"), advance=done.append)
    assert batch.images == ("a",) and batch.left_out == ("b", "c") and done == [3]
    accepted = project.accepted_mask("a")
    assert accepted is not None and (accepted[0, :2] == 12).all() and (accepted[1:] == mask[1:]).all()
    project = reopened(project)
    assert project.last_batch() is BatchKind.ACCEPT
    assert project.undo_batch().images == ("a",)
    assert project.record("a").status is Status.CORRECTED and project.accepted_mask("a") is None
    project.close()


def test_a_rejected_mask_is_kept_and_accepted_again_by_undo(project: Project) -> None:
    mask = propose(project, "a")
    project.accept("a", mask)
    project.batch(BatchKind.REJECT, ("a", "c"), comment="ears missing")
    record = project.record("a")
    assert (record.status, record.verdict, record.comment) == (
        Status.NEW,
        Verdict.REJECTED,
        "ears missing",
    ) or record.status is Status.PROPOSED
    assert project.accepted_mask("a") is None and (project.last_accepted_mask("a") == mask).all()
    # A stroke and its undo do not bring a rejected mask back.
    one = np.zeros((1, 1), np.uint8)
    project.record_edit("a", Target.MASK, (0, 0, 1, 1), one + 255, one, "brush")
    project.undo("a")
    assert project.record("a").status is not Status.ACCEPTED
    assert project.undo_batch().images == ("a", "c")
    assert project.record("a").status is Status.ACCEPTED and (project.accepted_mask("a") == mask).all()
    assert project.record("c").verdict is Verdict.NONE
    project.close()


def test_accepting_answers_a_rejection_and_leaves_a_flag(project: Project) -> None:
    mask = propose(project, "a")
    project.batch(BatchKind.REJECT, ("a",), comment="no")
    project.accept("a", mask)
    assert project.record("a").verdict is Verdict.NONE
    project.batch(BatchKind.FLAG, ("a",), comment="is this a cat?")
    assert project.record("a").status is Status.ACCEPTED
    assert reopened(project).record("a").comment == "is this a cat?"


def test_undo_leaves_what_was_changed_since(project: Project) -> None:
    propose(project, "a"), propose(project, "c")
    project.batch(BatchKind.ACCEPT, ("a", "c"))
    project.unaccept("a")
    project.accept("a", np.ones(SHAPE, np.uint8))
    undone = project.undo_batch()
    assert undone.images == ("c",) and undone.left_out == ("a",)
    assert project.record("a").status is Status.ACCEPTED
    project.close()


def test_a_batch_that_is_stopped_keeps_what_is_done_and_can_be_undone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.data.project_batches.TOGETHER", 2)
    asked = iter((False, True))
    batch = project.batch(BatchKind.FLAG, NAMES, comment="look", stopped=lambda: next(asked))
    assert batch.images == ("a", "b", "c", "d")
    assert project.record("e").verdict is Verdict.NONE
    assert project.undo_batch().images == batch.images
    project.close()
