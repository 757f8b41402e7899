"""Renaming, merging, deleting, ordering classes: all photos follow, and all of it can be taken back."""

import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from trainer.data import class_changes
from trainer.data.class_files import read_entries
from trainer.data.classes import UNTOUCHED, ClassList, save_categories
from trainer.data.export import export_project
from trainer.data.formats.registry import WRITERS, open_masks
from trainer.data.image_rows import Status
from trainer.data.imported_rows import Import
from trainer.data.journal import packed
from trainer.data.project import Project, Step, Target
from trainer.errors import DataError

SHAPE = (8, 10)
CAT, DOG, COW = 1, 2, 3


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    for name in "abcd":
        Image.new("RGB", SHAPE[::-1], (90, 120, 60)).save(root / f"{name}.png")
    (root / "tags.csv").write_text("image,tags\na,cat dog\nb,dog\nc,cow\nd,\n")
    return root


@pytest.fixture
def project(folder):
    project = Project.open_folder(folder, ClassList(("cat", "dog", "cow")))
    yield project
    project.close()


def halves(left, right):
    mask = np.full(SHAPE, left, np.uint8)
    mask[:, 5:] = right
    return mask


def paint(project, image_id, label, box=(0, 0, 4, 4), target=Target.SEEDS):
    y0, x0, y1, x1 = box
    before = project.layer(image_id, target, SHAPE)[y0:y1, x0:x1]
    return project.record_edit(image_id, target, box, before, np.full_like(before, label), "brush")


def merge(project, ids, into):
    return project.change_classes(class_changes.merge(project.class_meaning, ids, into))


def delete(project, *ids):
    return project.change_classes(class_changes.delete(project.class_meaning, ids))


def rename(project, class_id, name):
    return project.change_classes(class_changes.rename(project.class_meaning, class_id, name))


def state(project):
    """All that a person can see of a project: classes, tags, layers, masks, by image."""
    return {
        record.id: (
            record.tags,
            record.tagged,
            record.status,
            *(project.layer(record.id, target, SHAPE).tobytes() for target in Target),
            *(
                None if mask is None else mask.tobytes()
                for mask in (
                    project.accepted_mask(record.id),
                    project.imported_mask(record.id),
                    project.current_mask(record.id),
                )
            ),
        )
        for record in project.images()
    } | {"classes": (project.classes.listed, project.classes.colours, project.classes.stuff)}


@pytest.fixture
def worked_on(project):
    """Masks of every kind: accepted, imported, proposed, and strokes on both layers."""
    project.accept("a", halves(CAT, DOG))
    project.import_masks([Import("b", SHAPE, packed(halves(DOG, 255)), ("dog",))], accept=False)
    project.store_proposal_mask("c", halves(COW, DOG))
    paint(project, "c", DOG)
    paint(project, "c", COW, (2, 2, 6, 6), Target.MASK)
    return project


def test_a_merge_reaches_masks_strokes_and_tags_of_all_photos(worked_on):
    made = merge(worked_on, [DOG], CAT)
    assert made.names == ("dog", "cat") and worked_on.classes.listed == ("cat", "cow")
    assert [record.tags for record in worked_on.images()] == [("cat",), ("cat",), ("cow",), ()]
    assert (worked_on.accepted_mask("a") == CAT).all()
    np.testing.assert_array_equal(worked_on.imported_mask("b"), halves(CAT, 255))
    np.testing.assert_array_equal(worked_on.proposal_mask("c"), halves(COW, CAT))
    seeds = worked_on.layer("c", Target.SEEDS, SHAPE)
    assert (seeds[:4, :4] == CAT).all() and (seeds[4:] == UNTOUCHED).all()
    assert worked_on.record("a").status is Status.ACCEPTED


def test_what_is_deleted_becomes_background_and_its_tags_go(worked_on):
    delete(worked_on, DOG, COW)
    assert worked_on.classes.listed == ("cat",) and "dog" not in worked_on.classes
    assert [record.tags for record in worked_on.images()] == [("cat",), (), (), ()]
    assert worked_on.record("b").tagged
    np.testing.assert_array_equal(worked_on.accepted_mask("a"), halves(CAT, 0))
    assert (worked_on.layer("c", Target.SEEDS, SHAPE)[:4, :4] == 0).all()
    with pytest.raises(DataError, match="dog"):
        worked_on.set_tags("d", ["dog"])


@pytest.mark.parametrize(
    "change",
    [
        lambda project: merge(project, [DOG, COW], CAT),
        lambda project: delete(project, DOG),
        lambda project: rename(project, DOG, "wolf"),
        lambda project: project.change_classes(class_changes.order([COW, CAT, DOG])),
        lambda project: project.change_classes(
            class_changes.recolour(project.class_meaning, DOG, (1, 2, 250))
        ),
        lambda project: project.change_classes(class_changes.set_stuff(project.class_meaning, COW, True)),
    ],
)
def test_every_change_is_taken_back_and_brought_back_also_after_a_restart(worked_on, change):
    before = state(worked_on)
    assert change(worked_on) is not None
    after = state(worked_on)
    assert after != before
    worked_on.close()
    project = Project.open(worked_on.file)
    assert state(project) == after
    assert project.undo_class_change() is not None and state(project) == before
    assert project.undo_class_change() is None
    project.close()
    with closing(Project.open(worked_on.file)) as project:
        assert state(project) == before
        project.redo_class_change()
        assert state(project) == after


def test_what_is_done_between_a_merge_and_its_undo_stays_right(worked_on):
    merge(worked_on, [DOG], CAT)
    worked_on.set_tags("b", ["cat", "cow"])
    paint(worked_on, "c", COW)  # over what was dog
    worked_on.undo_class_change()
    assert worked_on.record("b").tags == ("dog", "cow")
    edit = worked_on.undo("c")
    assert (worked_on.patch(edit) == DOG).all()
    assert (worked_on.layer("c", Target.SEEDS, SHAPE)[:4, :4] == DOG).all()


def test_merges_of_merges_reach_the_last_class(worked_on):
    merge(worked_on, [DOG], CAT)
    merge(worked_on, [CAT], COW)
    assert worked_on.record("a").tags == ("cow",) and (worked_on.accepted_mask("a") == COW).all()
    worked_on.undo_class_change()
    assert worked_on.record("a").tags == ("cat",)
    worked_on.undo_class_change()
    np.testing.assert_array_equal(worked_on.accepted_mask("a"), halves(CAT, DOG))


def test_a_name_that_is_taken_is_refused_and_nothing_is_changed(project):
    before = state(project)
    for name in ("cat", "", "a/b", "#4"):
        with pytest.raises(DataError):
            rename(project, DOG, name)
    assert state(project) == before and project.last_class_change() is None


def test_two_classes_exchange_their_names(project):
    rename(project, CAT, "tmp")
    rename(project, DOG, "cat")
    rename(project, CAT, "dog")
    assert project.classes.names == ("dog", "cat", "cow") and project.record("b").tags == ("cat",)
    for _ in range(3):
        project.undo_class_change()
    assert project.classes.names == ("cat", "dog", "cow") and project.record("b").tags == ("dog",)


def test_a_deleted_class_whose_name_is_in_use_again_does_not_come_back_over_it(project):
    delete(project, DOG)
    new = project.add_class("dog")
    project.set_tags("d", ["dog"])
    assert new == 4 and project.record("b").tags == ()
    with pytest.raises(DataError, match="rename the new one first"):
        project.undo_class_change()
    assert project.record("d").tags == ("dog",)
    project.change_classes(class_changes.rename(project.class_meaning, new, "puppy"))
    project.undo_class_change()  # of the new name
    assert project.record("d").tags == ("dog",)


def test_the_photos_that_a_class_touches_are_counted_wherever_it_is(worked_on):
    assert worked_on.photos_with([DOG]) == ["a", "b", "c"]
    assert worked_on.photos_with([COW]) == ["c"]
    worked_on.set_tags("a", ["cat"])  # its mask still shows a dog
    assert worked_on.photos_with([DOG]) == ["a", "b", "c"]
    worked_on.undo("c")
    worked_on.undo("c")
    assert worked_on.photos_with([DOG]) == ["a", "b"]
    merge(worked_on, [DOG], CAT)
    assert worked_on.photos_with([CAT]) == ["a", "b"]
    assert worked_on.photos_with([CAT], cancelled=lambda: True) is None


def test_only_a_change_that_nothing_was_painted_after_is_the_newest(project):
    paint(project, "a", CAT)
    merge(project, [DOG], CAT)
    assert project.last_step("a") is Step.CLASSES
    paint(project, "b", CAT)
    assert project.last_step("a") is Step.STROKE and project.last_class_change() is not None
    project.undo("b")
    assert project.last_step("a") is Step.CLASSES


def test_a_new_stroke_or_change_ends_what_can_be_brought_back(project):
    merge(project, [DOG], CAT)
    project.undo_class_change()
    assert project.undone_class_change() is not None
    paint(project, "a", CAT)
    assert project.undone_class_change() is None and project.redo_class_change() is None


def test_a_list_from_a_file_adds_orders_and_colours_and_is_taken_back(project, tmp_path):
    file = tmp_path / "classes.json"
    listed = ClassList(("cow", "grass"), stuff=frozenset({2}))
    save_categories(file, listed, {1: (10, 20, 30), 2: (0, 200, 0)})
    before = state(project)
    project.change_classes(class_changes.load(read_entries(file)))
    classes = project.classes
    assert classes.listed == ("cow", "grass", "cat", "dog")
    assert classes.colours == {COW: (10, 20, 30), 4: (0, 200, 0)} and classes.stuff == {4}
    project.set_tags("d", ["grass"])
    project.undo_class_change()
    assert project.classes.listed == ("cat", "dog", "cow") and project.record("d").tags == ()
    project.set_tags("d", ())
    assert state(project) == before


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "cat", "color": "#0a0b0c", "type": "any", "attributes": []}, {"name": "sky"}]',
        '[{"id": 1, "name": "cat", "supercategory": "animal"}, {"id": 9, "name": "sky", "isthing": 0}]',
    ],
)
def test_lists_of_cvat_and_coco_are_read(tmp_path, text):
    file = tmp_path / "labels.json"
    file.write_text(text)
    assert [entry.name for entry in read_entries(file)] == ["cat", "sky"]


@pytest.mark.parametrize("format", list(WRITERS))
def test_exports_have_no_trace_of_classes_that_are_gone(worked_on, tmp_path, format):
    delete(worked_on, CAT)
    merge(worked_on, [DOG], COW)
    export_project(worked_on, WRITERS[format], tmp_path / "out", accepted_only=True)
    reader = open_masks(tmp_path / "out", format)
    assert reader.classes is None or reader.classes.names == ("cow",)
    (entry,) = reader.entries()
    mask = reader.read(entry, worked_on.record("a").path, ClassList(("cow",)))
    named = np.array(["background", *mask.names], object)[mask.labels]
    assert (named[:, :5] == "background").all() and (named[:, 5:] == "cow").all()


def test_a_kill_in_the_middle_of_changes_leaves_one_or_the_other(folder):
    with closing(Project.open_folder(folder, ClassList(("cat", "dog", "cow")))) as project:
        project.accept("a", halves(CAT, DOG))
        file, before = project.file, state(project)
        merge(project, [DOG], CAT)
        after = state(project)
        project.undo_class_change()
    script = (
        "import sys; from pathlib import Path; from trainer.data.project import Project;"
        "from trainer.data import class_changes as c\n"
        "p = Project.open(Path(sys.argv[1])); print('open', flush=True)\n"
        "while True:\n p.change_classes(c.merge(p.class_meaning, [2], 1)); p.undo_class_change()"
    )
    for _ in range(3):
        worker = subprocess.Popen([sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE)
        assert worker.stdout.readline() == b"open\n"
        worker.kill()
        worker.communicate()
        with closing(Project.open(file)) as project:
            assert state(project) in (before, after)


def test_models_know_a_renamed_class_by_its_former_name(project):
    rename(project, DOG, "wolf")
    assert project.classes.names_in({"cat", "dog", "cow"}) == ("cat", "dog", "cow")
    assert project.classes.names_in({"cat", "wolf", "dog"}) == ("cat", "wolf", "cow")
    project.add_class("dog")
    assert project.classes.names_in({"cat", "dog"}) == ("cat", "wolf", "cow", "dog")


def test_a_list_that_was_saved_is_read_back(project, tmp_path):
    file = tmp_path / "categories.json"
    project.change_classes(class_changes.set_stuff(project.class_meaning, COW, True))
    project.change_classes(class_changes.order([COW, DOG, CAT]))
    save_categories(file, project.classes, {CAT: (1, 2, 3), DOG: (4, 5, 6), COW: (7, 8, 9)})
    assert [(e.value, e.name, e.colour, e.stuff) for e in read_entries(file)] == [
        (COW, "cow", (7, 8, 9), True),
        (DOG, "dog", (4, 5, 6), False),
        (CAT, "cat", (1, 2, 3), False),
    ]
