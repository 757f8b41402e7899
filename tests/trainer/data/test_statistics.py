"""Figures of a project: by hand on masks of a few pixels."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data import class_changes
from trainer.data.batch_rows import BatchKind
from trainer.data.project import Project, Target
from trainer.data.statistics import project_statistics, seconds_at_work
from trainer.pipeline.project_report import write_project_report

CAT, DOG = 8, 12


@pytest.fixture
def project(tmp_path: Path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for shade, name in enumerate("abc"):
        Image.new("RGB", (10, 8), (shade, 20, 30)).save(folder / f"{name}.png")
    (folder / "tags.csv").write_text("image,tags\na,cat\nb,cat dog\n")
    project = Project.open_folder(folder)
    mask = np.zeros((8, 10), np.uint8)
    mask[:2, :2] = mask[5:7, 5:9] = CAT
    mask[3, 3] = 255
    one = np.full((1, 1), CAT, np.uint8)
    for x in range(3):
        project.record_edit("a", Target.MASK, (0, x, 1, x + 1), np.full_like(one, 255), one, "brush")
    project.undo("a")
    project.accept("a", mask)
    both = mask.copy()
    both[7, :4] = DOG
    project.accept("b", both)
    project.batch(BatchKind.FLAG, ("c",), comment="blurred")
    yield project
    project.close()


def test_classes_are_counted_in_accepted_masks(project: Project) -> None:
    done: list[str] = []
    figures = {each.name: each for each in project_statistics(project, done.append).classes}
    cat, dog = figures["cat"], figures["dog"]
    assert (cat.tagged, cat.accepted, cat.objects, cat.pixels) == (2, 2, 4, 24)
    assert (dog.tagged, dog.accepted, dog.objects, dog.pixels) == (1, 1, 1, 4)
    assert cat.share == pytest.approx(24 / 160)
    assert done == ["a", "b"]


def test_the_work_is_counted(project: Project) -> None:
    work = project_statistics(project).work
    assert (work.photos, work.tagged, work.accepted, work.flagged) == (3, 2, 2, 1)
    assert (work.strokes, work.strokes_a_photo) == (2, 1.0)
    assert work.seconds_a_photo is not None and 0 <= work.seconds_a_photo < 60


def test_pauses_are_no_work() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(seconds=seconds) for seconds in (0, 5, 20, 500, 503)]
    assert seconds_at_work(moments) == 23


def test_objects_are_counted_as_a_person_cut_and_joined_them_and_stuff_has_none(project: Project) -> None:
    marks = np.full((8, 10), 255, np.uint8)
    marks[:2, :2] = marks[5:7, 5:9] = 1  # two areas, one object
    project.record_edit("a", Target.OBJECTS, (0, 0, 8, 10), np.full_like(marks, 255), marks, "objects")
    project.change_classes(class_changes.set_stuff(project.class_meaning, DOG, True))
    figures = {each.name: each.objects for each in project_statistics(project).classes}
    assert (figures["cat"], figures["dog"]) == (3, 0)


def test_an_empty_project_has_figures_too(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "one.png")
    project = Project.open_folder(tmp_path)
    statistics = project_statistics(project)
    assert statistics.work.strokes_a_photo is None and statistics.work.seconds_a_photo is None
    page = write_project_report(project, statistics, tmp_path / "out")
    project.close()
    assert "Photos: 1, accepted: 0" in page.read_text(encoding="utf-8")


def test_the_page_shows_figures_and_masks(project: Project, tmp_path: Path) -> None:
    page = write_project_report(project, project_statistics(project), tmp_path / "out").read_text("utf-8")
    for text in ("<td>cat</td><td>2</td><td>2</td><td>4</td><td>24</td><td>15.0%</td>", "b: cat, dog"):
        assert text in page
    assert page.count("data:image/jpeg") == 4 and "Stages" not in page
