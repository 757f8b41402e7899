"""Folders in which names that differ in case are one: those of Windows, macOS and memory cards."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.export import check_destination, export_project
from trainer.data.formats.registry import WRITERS
from trainer.data.location import means
from trainer.data.project import Project
from trainer.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Photos"
    folder.mkdir()
    other = tmp_path / "photos"
    if not (other.exists() and other.samefile(folder)):
        pytest.skip("these are two names here")
    Image.new("RGB", (8, 8), "red").save(folder / "IMG_1.JPG")
    Image.new("RGB", (8, 8), "blue").save(folder / "img_1.png")
    return folder


def test_a_project_is_one_however_its_folder_is_written(folder: Path) -> None:
    other = folder.with_name("photos")
    with closing(Project.open_folder(folder)) as project:
        assert means(other, project.file)
        with pytest.raises(DataError, match="is open in another window"):
            Project.open_folder(other)
    with closing(Project.open_folder(other)) as project:
        assert [record.id.lower() for record in project.images()] == ["img_1", "img_1_png"]
        assert project.changes.new == project.changes.gone == project.changes.moved == 0


def test_a_photo_whose_name_changes_case_keeps_what_was_done(folder: Path) -> None:
    with closing(Project.open_folder(folder)) as project:
        first = project.images()[0]
        project.set_tags(first.id, ["cat"])
    first.path.rename(folder / "Img_1.jpg")
    with closing(Project.open_folder(folder)) as project:
        record = project.record(first.id)
        assert record.tags == ("cat",) and record.path.is_file()


def test_an_export_is_not_written_among_the_photos(folder: Path) -> None:
    for inside in (folder.with_name("PHOTOS"), folder.with_name("photos") / "out"):
        with pytest.raises(DataError, match="among the photos"):
            check_destination(inside, folder, force=True)


def test_every_mask_of_an_export_has_a_file_of_its_own(folder: Path, tmp_path: Path) -> None:
    with closing(Project.open_folder(folder)) as project:
        for record in project.images():
            project.accept(record.id, np.zeros((8, 8), np.uint8))
        export_project(project, WRITERS["voc"], tmp_path / "Out")
    assert len(list((tmp_path / "out" / "SegmentationClass").iterdir())) == 2
