from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from trainer.data.export import export_project
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.images import load_mask
from trainer.data.project import Changes, Project, Target
from trainer.errors import DataError


def test_accepted_masks_are_exported_and_the_others_on_demand(tmp_path, voc_tree):
    project = Project.open_folder(voc_tree)
    mask = np.full((40, 60), 8, np.uint8)
    project.accept("one", mask)
    project.store_proposal_mask("two", np.zeros_like(mask))
    patch = np.full((4, 5), 255, np.uint8)
    project.record_edit("two", Target.MASK, (1, 2, 5, 7), patch, np.full_like(patch, 254), "brush")
    project.record_edit("two", Target.MASK, (10, 2, 14, 7), patch, np.full_like(patch, 12), "brush")
    done = []
    assert export_project(project, VocWriter, tmp_path / "out", progress=done.append) == []
    assert done == ["one"]
    np.testing.assert_array_equal(load_mask(tmp_path / "out/SegmentationClass/one.png"), mask)

    export_project(project, VocWriter, tmp_path / "out", accepted_only=False)
    exported = load_mask(tmp_path / "out/SegmentationClass/two.png")
    assert set(np.unique(exported[1:5, 2:7])) == {255}
    assert set(np.unique(exported[10:14, 2:7])) == {12}
    assert (exported == 0).sum() == 40 * 60 - 40
    project.close()


def test_an_untagged_image_that_is_all_background_is_left_out_unless_it_is_accepted(tmp_path, voc_tree):
    project = Project.open_folder(voc_tree)
    mask = np.zeros((40, 60), np.uint8)
    for image in ("one", "two"):
        project.set_tags(image, None)
    project.accept("one", mask)
    project.store_proposal_mask("two", mask)
    export_project(project, VocWriter, tmp_path / "out", accepted_only=False)
    assert [file.stem for file in (tmp_path / "out/SegmentationClass").iterdir()] == ["one"]
    project.close()


def test_nothing_accepted_is_an_error(tmp_path, voc_tree):
    project = Project.open_folder(voc_tree)
    with pytest.raises(DataError, match="accept"):
        export_project(project, VocWriter, tmp_path / "out")
    project.close()


def test_a_folder_of_others_is_refused_before_anything_is_written(tmp_path, voc_tree):
    project = Project.open_folder(voc_tree)
    project.accept("one", np.full((40, 60), 8, np.uint8))
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        export_project(project, VocWriter, out)
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]
    export_project(project, VocWriter, out, force=True)
    assert (out / "thesis.txt").read_text() == "mine"
    project.close()


@pytest.mark.parametrize("place", ["photos", "photos/voc"])
def test_an_export_never_goes_among_the_photos_where_it_would_be_taken_for_more_of_them(tmp_path, place):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "photos/a.png")
    project = Project.open_folder(tmp_path / "photos")
    project.accept("a", np.full((4, 4), 8, np.uint8))
    with pytest.raises(DataError, match="choose another folder"):
        export_project(project, VocWriter, tmp_path / place, force=True)
    assert project.rescan() == Changes()
    project.close()


def test_no_object_of_an_export_is_smaller_than_the_smallest_part_but_for_painted_ones(tmp_path, voc_tree):
    project = Project.open_folder(voc_tree)
    project.set_setting("method", {"smallest_part": 0.01})
    mask = np.zeros((40, 60), np.uint8)
    mask[5:25, 5:30] = 8
    whole = mask.copy()
    mask[30::2, 40::2] = 8  # specks, as the edges of a photo give them
    mask[10, 10] = 0
    patch = np.full((2, 2), 255, np.uint8)
    project.record_edit("one", Target.SEEDS, (36, 2, 38, 4), patch, np.full_like(patch, 12), "brush")
    mask[36:38, 2:4] = whole[36:38, 2:4] = 12
    project.accept("one", mask)
    export_project(project, VocWriter, tmp_path / "out")
    np.testing.assert_array_equal(load_mask(tmp_path / "out/SegmentationClass/one.png"), whole)
    objects = ElementTree.parse(tmp_path / "out/Annotations/one.xml").findall("object")
    assert sorted(each.findtext("name") for each in objects) == ["cat", "dog"]
    project.close()
