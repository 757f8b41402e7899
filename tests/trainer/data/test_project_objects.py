"""Objects of a project: kept with strokes and undo, exported to every format, and imported back the same."""

import json
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from trainer.data import class_changes
from trainer.data.classes import ClassList
from trainer.data.export import export_project
from trainer.data.formats.registry import WRITERS, open_masks
from trainer.data.image_rows import Status
from trainer.data.import_masks import import_masks
from trainer.data.objects import cut, join, objects_of
from trainer.data.project import Project, Target

SHAPE = (40, 60)
CAT, DOG = 1, 2
CLASSES = ClassList(("cat", "dog"))


def picture():
    """Two cats that touch, one in two parts, and two dogs."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:25, 5:40] = CAT
    mask[30:36, 5:12] = CAT
    mask[2:8, 48:56] = mask[20:28, 48:56] = DOG
    mask[12:16, 43:46] = 255
    return mask


def open_folder(folder):
    folder.mkdir()
    Image.new("RGB", SHAPE[::-1], (80, 90, 100)).save(folder / "one.jpg")
    return Project.open_folder(folder, CLASSES)


def say(project, change):
    """Record what `change` makes of the marks of the photo."""
    mask = project.accepted_mask("one")
    marks = project.layer("one", Target.OBJECTS, SHAPE)
    after = change(objects_of(mask, marks), marks)
    return project.record_edit("one", Target.OBJECTS, (0, 0, *SHAPE), marks, after, "objects")


@pytest.fixture
def project(tmp_path):
    """An accepted photo whose cats are cut in two, one of them joined with a lone part."""
    with closing(open_folder(tmp_path / "photos")) as project:
        project.set_tags("one", ["cat", "dog"])
        project.accept("one", picture())
        say(project, lambda objects, marks: cut(objects, marks, [(22, 0), (22, 30)]))
        say(
            project,
            lambda objects, marks: join(objects, marks, [objects.at(8, 8), objects.at(8, 32)]),
        )
        yield project


def numbers(project):
    marks = project.layer("one", Target.OBJECTS, SHAPE)
    return objects_of(project.accepted_mask("one"), marks, project.classes.stuff)


def parts_alike(first, second):
    pairs = set(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_what_is_said_of_objects_leaves_an_accepted_photo_accepted(project):
    assert project.record("one").status is Status.ACCEPTED
    assert numbers(project).labels == (CAT, CAT, DOG, DOG)
    project.undo("one")
    assert numbers(project).labels == (CAT, CAT, CAT, DOG, DOG)
    edit = project.undo("one")
    assert (project.patch(edit) == 255).all() and project.record("one").status is Status.ACCEPTED
    assert project.accepted_mask("one") is not None and not project.painted("one", SHAPE).any()
    project.redo("one")
    project.close()
    with closing(Project.open(project.file)) as project:
        assert numbers(project).labels == (CAT, CAT, CAT, DOG, DOG)


@pytest.mark.parametrize("format", list(WRITERS))
def test_objects_come_back_as_they_were_and_go_out_again_the_same(project, tmp_path, format):
    out = tmp_path / "out"
    problems = export_project(project, WRITERS[format], out)
    with closing(open_folder(tmp_path / "others")) as other:
        result = import_masks(other, open_masks(out, format))
        assert result.images == ["one"] and not result.problems
        exported = np.where(picture() == 255, 0, picture()) if "undecided" in str(problems) else picture()
        np.testing.assert_array_equal(other.accepted_mask("one"), exported)
        if format == "yolo":
            assert any("several parts" in problem for problem in problems)
            assert numbers(other).labels == (CAT, CAT, CAT, DOG, DOG)
        else:
            assert parts_alike(numbers(other).numbers, numbers(project).numbers)
        export_project(other, WRITERS[format], tmp_path / "again")
    files = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
    for name, path in files.items():
        if path.suffix != ".jpg" and name.name != ".export.sha256":
            assert (tmp_path / "again" / name).read_bytes() == path.read_bytes(), name


def test_imported_objects_are_cut_and_the_cut_is_taken_back(project, tmp_path):
    export_project(project, WRITERS["coco"], tmp_path / "out")
    with closing(open_folder(tmp_path / "others")) as other:
        import_masks(other, open_masks(tmp_path / "out"))
        before = numbers(other)
        edit = say(other, lambda objects, marks: cut(objects, marks, [(0, 15), (60, 15)]))
        assert len(numbers(other).labels) == len(before.labels) + 1
        other.undo("one")
        np.testing.assert_array_equal(numbers(other).numbers, before.numbers)
        assert (other.patch(edit) == other.layer("one", Target.OBJECTS, SHAPE)).all()


def test_stuff_has_no_objects_in_any_format(project, tmp_path):
    project.change_classes(class_changes.set_stuff(project.class_meaning, DOG, True))
    for format, writer in WRITERS.items():
        export_project(project, writer, tmp_path / format)
    (labels,) = (tmp_path / "coco").rglob("instances_*.json")
    told = [each["category_id"] for each in json.loads(labels.read_text())["annotations"]]
    assert sorted(told) == [CAT, CAT, DOG]
    with Image.open(tmp_path / "voc" / "SegmentationObject" / "one.png") as image:
        found = np.asarray(image)
    assert set(np.unique(found)) == {0, 1, 2, 255} and not found[picture() == DOG].any()
    shapes = json.loads((tmp_path / "labelme" / "one.json").read_text())["shapes"]
    groups = [shape["group_id"] for shape in shapes if shape["label"] == "dog"]
    assert groups == [None, None]
    with closing(open_folder(tmp_path / "others")) as other:
        import_masks(other, open_masks(tmp_path / "voc"))
        assert parts_alike(
            np.where(picture() == DOG, 0, numbers(other).numbers), np.where(found == 255, 0, found)
        )


def test_voc_tells_objects_as_its_readers_expect(project, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "voc")
    with Image.open(tmp_path / "voc" / "SegmentationObject" / "one.png") as image:
        assert image.mode == "P"
        found = np.asarray(image)
    assert (found[picture() == 255] == 255).all() and (found[picture() == 0] == 0).all()
    for number in (1, 2, 3, 4):
        assert len(set(picture()[found == number])) == 1
    xml = (tmp_path / "voc" / "Annotations" / "one.xml").read_text()
    assert xml.count("<object>") == 4


def test_coco_has_one_annotation_for_each_object(project, tmp_path):
    tool = pytest.importorskip("pycocotools.coco")
    export_project(project, WRITERS["coco"], tmp_path / "coco")
    (labels,) = (tmp_path / "coco").rglob("instances_*.json")
    coco = tool.COCO(str(labels))
    expected = numbers(project)
    masks = [coco.annToMask(each).astype(bool) for each in coco.loadAnns(coco.getAnnIds())]
    assert len(masks) == len(expected.labels)
    for number in range(1, len(expected.labels) + 1):
        assert sum((mask == (expected.numbers == number)).all() for mask in masks) == 1


def test_more_objects_than_voc_tells_apart_are_said(tmp_path):
    with closing(open_folder(tmp_path / "photos")) as project:
        mask = np.zeros(SHAPE, np.uint8)
        mask[::2, ::2] = CAT
        mask[1::2, 1::2] = 0
        project.set_setting("method", {"smallest_part": 0})
        project.accept("one", mask)
        problems = export_project(project, WRITERS["voc"], tmp_path / "voc")
        assert any("at most 254 objects" in problem for problem in problems)
        assert not (tmp_path / "voc" / "SegmentationObject").exists()


def test_masks_painted_by_other_tools_in_colours_are_objects_too(project, tmp_path):
    export_project(project, WRITERS["voc"], tmp_path / "voc")
    file = tmp_path / "voc" / "SegmentationObject" / "one.png"
    with Image.open(file) as image:
        image.convert("RGB").save(file)
    with closing(open_folder(tmp_path / "others")) as other:
        import_masks(other, open_masks(tmp_path / "voc"))
        assert parts_alike(numbers(other).numbers, numbers(project).numbers)
