"""Masks of other programs become those of a project, and nothing else changes."""

import json
import shutil
from contextlib import closing
from itertools import count

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.export import export_project
from trainer.data.formats.registry import READERS, WRITERS, format_of, open_masks
from trainer.data.images import save_mask
from trainer.data.import_masks import import_masks, open_for_import
from trainer.data.project import Project, Status, Target
from trainer.errors import DataError

CLASSES = ClassList(("cat", "big cup", "never seen"))
SHAPE = (48, 64)


def mask_of(number):
    """A mask with holes, objects in holes, specks, corners that touch, and undecided pixels."""
    random = np.random.default_rng(number)
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:30, 5:40] = 1
    mask[10:25, 12:30] = 0
    mask[12:20, 14:24] = 2
    mask[35:45, 40:60] = 255
    mask[40, 2:9] = 2
    mask[30, 40] = mask[31, 41] = 1
    mask[0, random.integers(64, size=5)] = random.integers(1, 3, 5)
    return mask


@pytest.fixture
def photos(tmp_path):
    """A folder of five photos, one of them below another folder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("a", "b", "c", "d", "sub/a"):
        Image.fromarray(random.integers(0, 255, (*SHAPE, 3), np.uint8)).save(folder / f"{name}.jpg")
    return folder


@pytest.fixture
def project(photos):
    """A project with accepted masks of all kinds: "d" shows nothing."""
    project = Project.open_folder(photos, CLASSES)
    for number, name in enumerate(("c", "a", "sub/a", "b")):
        project.accept(name, mask_of(number))
        project.set_tags(name, ["cat", "big cup"])
    project.accept("d", np.zeros(SHAPE, np.uint8))
    project.set_tags("d", [])
    project.set_setting("method", {"smallest_part": 0})
    yield project
    project.close()


def fresh(photos, tmp_path, name="fresh"):
    """Another project of the same photos, which knows nothing yet."""
    shutil.copytree(photos, tmp_path / name, ignore=shutil.ignore_patterns("affinity-project"))
    return closing(Project.open_folder(tmp_path / name, CLASSES))


def tree(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "proposals"])
@pytest.mark.parametrize("name", WRITERS)
def test_an_export_that_is_imported_is_exported_as_the_same_bytes(project, photos, tmp_path, name, accept):
    export_project(project, WRITERS[name], tmp_path / "one")
    assert format_of(tmp_path / "one") == name
    with fresh(photos, tmp_path) as other:
        result = import_masks(other, open_masks(tmp_path / "one"), accept)
        assert (sorted(result.images), result.problems) == (["a", "b", "c", "d", "sub/a"], [])
        keeps = WRITERS[name].keeps_void
        for record in project.images():
            mask = project.accepted_mask(record.id)
            expected = mask if keeps else np.where(mask == 255, 0, mask)
            np.testing.assert_array_equal(other.current_mask(record.id), expected)
            assert other.record(record.id).tags == record.tags and other.record(record.id).tagged
        export_project(other, WRITERS[name], tmp_path / "two", accepted_only=accept)
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


def test_imported_masks_keep_parts_that_would_be_too_small_for_a_proposal(project, photos, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "one")
    with fresh(photos, tmp_path) as other:
        import_masks(other, open_masks(tmp_path / "one"))
        other.set_setting("method", {"smallest_part": 0.1})
        export_project(other, WRITERS["voc"], tmp_path / "two")
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


def test_what_a_person_did_here_stays(project, photos, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "out")
    with fresh(photos, tmp_path) as other:
        other.accept("a", np.full(SHAPE, 2, np.uint8))
        blank = np.full((2, 2), 255, np.uint8)
        other.record_edit("b", Target.SEEDS, (0, 0, 2, 2), blank, np.full_like(blank, 1), "brush")
        result = import_masks(other, open_masks(tmp_path / "out"))
        assert sorted(result.images) == ["c", "d", "sub/a"]
        (problem,) = result.problems
        assert "keep their masks" in problem and problem.endswith("a, b")
        assert (other.accepted_mask("a") == 2).all() and other.record("b").status is Status.CORRECTED
        assert other.current_mask("b") is None


def test_a_damaged_mask_is_named_and_the_rest_goes_on(project, photos, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "out")
    masks = tmp_path / "out/SegmentationClass"
    (masks / "a.png").write_bytes((masks / "a.png").read_bytes()[:60])
    save_mask(masks / "b.png", np.zeros((7, 9), np.uint8))
    save_mask(masks / "c.png", np.full(SHAPE, 4, np.uint8))
    save_mask(masks / "nobody.png", np.zeros(SHAPE, np.uint8))
    with fresh(photos, tmp_path) as other:
        result = import_masks(other, open_masks(tmp_path / "out"))
        assert sorted(result.images) == ["d", "sub/a"]
        assert [other.record(name).status for name in "abc"] == ["new"] * 3
    strangers, *damaged = result.problems
    assert "nobody" in strangers
    for problem, words in zip(
        damaged, ("a.png", "b.png is 9×7 but its photo b.jpg is 64×48", "c.png has the label 4"), strict=True
    ):
        assert words in problem


def test_classes_go_by_name_and_new_ones_are_added(project, photos, tmp_path):
    export_project(project, WRITERS["coco"], tmp_path / "out")
    shutil.copytree(photos, tmp_path / "other", ignore=shutil.ignore_patterns("affinity-project"))
    with closing(Project.open_folder(tmp_path / "other", ClassList(("dog", "Cat")))) as other:
        result = import_masks(other, open_masks(tmp_path / "out"))
        assert result.new_classes == ["big cup"]
        assert other.classes.names == ("dog", "Cat", "big cup")
        expected = np.array([0, 2, 3])[np.where(mask_of(1) == 255, 0, mask_of(1))]
        np.testing.assert_array_equal(other.accepted_mask("a"), expected)
        assert other.record("a").tags == ("Cat", "big cup") and other.record("d").tagged


def test_a_project_made_for_an_import_takes_the_classes_of_the_masks(project, photos, tmp_path):
    export_project(project, WRITERS["coco"], tmp_path / "out")
    shutil.copytree(photos, tmp_path / "other", ignore=shutil.ignore_patterns("affinity-project"))
    reader = open_masks(tmp_path / "out")
    with closing(open_for_import(tmp_path / "other", reader)) as other:
        assert other.classes == CLASSES
    (tmp_path / "tagged").mkdir()
    shutil.copy(photos / "a.jpg", tmp_path / "tagged")
    (tmp_path / "tagged/tags.csv").write_text("image,tags\na,zebra\n")
    with closing(open_for_import(tmp_path / "tagged", reader)) as other:
        assert other.record("a").tags == ("zebra",)


def test_a_mask_is_never_given_to_a_photo_of_another_folder(tmp_path, photos):
    for name in ("sub/b", "other/a", "train/c"):
        save_mask(tmp_path / f"set/SegmentationClass/{name}.png", mask_of(0))
    (photos / "a.jpg").unlink()
    (photos / "b.jpg").rename(photos / "sub/b.jpg")
    with fresh(photos, tmp_path) as project:
        result = import_masks(project, open_masks(tmp_path / "set"))
        assert sorted(result.images) == ["c", "sub/b"]
        assert result.problems[0].endswith("other/a") and not project.is_imported("sub/a")


def test_masks_that_may_belong_to_the_same_photo_are_left_out(tmp_path):
    photos, masks = tmp_path / "photos", tmp_path / "set/SegmentationClass"
    photos.mkdir()
    Image.new("RGB", SHAPE[::-1]).save(photos / "a.jpg")
    for name in ("one/a", "two/a"):
        save_mask(masks / f"{name}.png", mask_of(0))
    with closing(Project.open_folder(photos, CLASSES)) as project:
        result = import_masks(project, open_masks(masks))
        assert not result.images and "several masks" in result.problems[0]


def test_an_import_that_is_cancelled_keeps_what_is_done(project, photos, tmp_path, monkeypatch):
    monkeypatch.setattr("trainer.data.import_masks._BATCH", 2)
    export_project(project, WRITERS["labelme"], tmp_path / "out")
    asked, done = count(), []
    with fresh(photos, tmp_path) as other:
        reader = open_masks(tmp_path / "out")
        result = import_masks(other, reader, True, done.append, lambda: next(asked) >= 2)
        assert result.cancelled and len(done) == 2
        statuses = [record.status for record in other.images()]
        assert statuses.count(Status.ACCEPTED) == 2 == len(result.images)
        again = import_masks(other, reader)
        assert len(again.images) == 3 and not again.cancelled


def test_an_imported_proposal_can_be_painted_over_and_taken_back(project, photos, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "out")
    with fresh(photos, tmp_path) as other:
        import_masks(other, open_masks(tmp_path / "out"), accept=False)
        assert other.record("a").status is Status.PROPOSED and other.is_imported("a")
        blank = np.full((4, 4), 255, np.uint8)
        other.record_edit("a", Target.SEEDS, (0, 0, 4, 4), blank, np.full_like(blank, 2), "brush")
        assert other.record("a").status is Status.CORRECTED
        assert (other.current_mask("a")[:4, :4] == 2).all()
        other.undo("a")
        assert other.record("a").status is Status.PROPOSED
        np.testing.assert_array_equal(other.current_mask("a"), mask_of(1))


def test_an_imported_acceptance_that_is_taken_back_leaves_the_mask_as_a_proposal(project, photos, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "out")
    with fresh(photos, tmp_path) as other:
        import_masks(other, open_masks(tmp_path / "out"))
        other.unaccept("a")
        assert other.record("a").status is Status.PROPOSED
        np.testing.assert_array_equal(other.current_mask("a"), mask_of(1))


def test_a_second_import_takes_the_place_of_proposals_nobody_touched(project, photos, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "out")
    with fresh(photos, tmp_path) as other:
        other.store_proposal_mask("a", np.full(SHAPE, 2, np.uint8))
        other.note_proposal("a", 0.5, "models")
        import_masks(other, open_masks(tmp_path / "out"), accept=False)
        np.testing.assert_array_equal(other.current_mask("a"), mask_of(1))
        save_mask(tmp_path / "out/SegmentationClass/a.png", mask_of(7))
        assert len(import_masks(other, open_masks(tmp_path / "out"), accept=False).images) == 5
        np.testing.assert_array_equal(other.current_mask("a"), mask_of(7))


def test_what_holds_no_masks_says_so(photos, tmp_path):
    assert format_of(photos) is None
    with pytest.raises(DataError, match="no masks of a known kind"):
        open_masks(photos)
    with pytest.raises(DataError, match="does not exist"):
        open_masks(tmp_path / "nowhere")


def test_a_class_that_cannot_be_one_is_told_with_its_photo(photos, tmp_path):
    shape = {"label": "a/b", "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon"}
    (photos / "a.json").write_text(json.dumps({"shapes": [shape]}))
    with closing(Project.open_folder(photos, CLASSES)) as project:
        (problem,) = import_masks(project, open_masks(photos)).problems
        assert "mask of a" in problem and "'a/b'" in problem


@pytest.mark.parametrize("name", READERS)
def test_every_format_has_a_name_and_a_title(name):
    assert READERS[name].name == name and READERS[name].title
    assert name not in WRITERS or READERS[name].title == WRITERS[name].title
