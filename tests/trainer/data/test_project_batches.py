"""Many images at once: what is done to them, taken back and brought back, is in the project file."""

from pathlib import Path

import numpy as np
import pytest
from former_versions import sql
from PIL import Image

from trainer.data.batch_rows import BatchKind
from trainer.data.classes import VOID
from trainer.data.project import Project, Status, Step, Target
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
    project.note_proposal(image_id, 0.1, "test")
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


def stroke(project: Project, image_id: str) -> None:
    one = np.zeros((1, 1), np.uint8)
    project.record_edit(image_id, Target.MASK, (0, 0, 1, 1), one + 255, one, "brush")


def seen(project: Project) -> list[tuple]:
    """All that a batch may change of the images."""
    masks = (project.accepted_mask(name) for name in NAMES)
    return [
        (
            record.tags,
            record.tagged,
            record.status,
            record.verdict,
            record.comment,
            None if m is None else m.tolist(),
        )
        for record, m in zip(project.images(), masks, strict=True)
    ]


@pytest.mark.parametrize("kind", BatchKind)
def test_what_was_taken_back_is_brought_back_to_the_pixel(project: Project, kind: BatchKind) -> None:
    propose(project, "a"), stroke(project, "b")
    project.accept("c", propose(project, "c", 12))
    project.batch(BatchKind.REJECT, ("b",), comment="no")
    before = seen(project)
    tag = "cat" if kind in (BatchKind.TAG, BatchKind.UNTAG) else ""
    assert project.batch(kind, NAMES, tag=tag, comment="look").images
    after = seen(project)
    for _ in range(2):
        project.undo_batch()
        assert seen(project) == before
        propose(project, "a", 15)  # by a model that was learnt since
        project = reopened(project)
        project.redo_batch()
        assert seen(project) == after
    assert project.redo_batch() is None
    project.close()


def test_only_what_was_done_last_is_brought_back(project: Project) -> None:
    for comment in ("one", "two"):
        project.batch(BatchKind.FLAG, ("a", "b"), comment=comment)
    project.undo_batch(), project.undo_batch()
    assert project.redo_batch() is not None and project.record("a").comment == "one"
    project.batch(BatchKind.FLAG, ("c",), comment="three")
    assert project.redo_batch() is None
    project.undo_batch()
    stroke(project, "d")
    assert project.redo_batch() is None and project.record("c").verdict is Verdict.NONE
    project.close()


def test_a_project_of_the_format_before_redo_is_read_and_its_batches_undone(project: Project) -> None:
    project.batch(BatchKind.FLAG, ("a", "b"))
    project.batch(BatchKind.TAG, ("c",), tag="cat")
    project.undo_batch()
    project.close()
    sql(project.file, "DROP TABLE batch_masks")
    sql(project.file, "ALTER TABLE batches DROP COLUMN edit")
    sql(project.file, "PRAGMA user_version = 8")
    project = Project.open(project.root)
    assert project.redo_batch() is None
    assert project.undo_batch().images == ("a", "b")
    assert project.redo_batch().images == ("a", "b")
    project.close()


def test_redo_leaves_what_was_changed_since(project: Project) -> None:
    propose(project, "a"), propose(project, "c")
    stroke(project, "a")
    project.batch(BatchKind.ACCEPT, ("a", "c"))
    project.undo_batch()
    project.undo("a")  # its mask is another one now
    redone = project.redo_batch()
    assert redone.images == ("c",) and redone.left_out == ("a",)
    assert project.accepted_mask("a") is None and project.accepted_mask("c") is not None
    project.close()


def test_undo_and_redo_go_through_strokes_and_batches_in_their_order(project: Project) -> None:
    stroke(project, "a")
    project.batch(BatchKind.FLAG, ("b", "c"))
    stroke(project, "a")
    stroke(project, "b")
    assert project.last_step("a") is Step.STROKE
    project.undo("a")
    assert project.last_step("a") is Step.STROKE  # what came after a stroke of another image can wait
    project.undo("b")
    assert project.last_step("a") is Step.BATCH and project.next_step("a") is Step.STROKE
    project.undo_batch()
    assert project.last_step("a") is Step.STROKE and project.next_step("a") is Step.BATCH
    project.undo("a")
    assert project.last_step("a") is None and project.next_step("a") is Step.STROKE
    project.redo("a")
    assert project.next_step("a") is Step.BATCH
    project.close()
