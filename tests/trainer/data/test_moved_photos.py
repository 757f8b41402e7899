"""Photos that are renamed, moved, exchanged or replaced between two openings of their project."""

import os
import shutil
from contextlib import closing

import numpy as np
import pytest
from former_versions import make_old
from PIL import Image

from trainer.data.export import export_project
from trainer.data.formats.registry import WRITERS
from trainer.data.images import load_mask
from trainer.data.project import Changes, OtherPhoto, Project, Status, Target
from trainer.errors import DataError

SHAPE = (24, 32)
BOX = (2, 3, 7, 9)
BLANK = np.full((5, 6), 255, np.uint8)


def write_photo(path, seed):
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (*SHAPE, 3), np.uint8)
    Image.fromarray(pixels).save(path, format="JPEG" if path.suffix.lower() == ".jpg" else "PNG")


def mask(label):
    return np.full(SHAPE, label, np.uint8)


@pytest.fixture
def photos(tmp_path):
    """A folder of photos a, b and c; a is accepted as 8, b has a stroke, nobody touched c."""
    folder = tmp_path / "photos"
    for seed, name in enumerate("abc"):
        write_photo(folder / f"{name}.jpg", seed)
    (folder / "tags.csv").write_text("image,tags\na,cat\nb,dog\nc,person\n")
    with closing(Project.open_folder(folder)) as project:
        project.accept("a", mask(8))
        project.record_edit("b", Target.SEEDS, BOX, BLANK, np.full_like(BLANK, 12), "brush")
    return folder


def forget(photos, image_id, monkeypatch):
    """Have a photo that nobody has read, as there are in a large folder that was just opened."""
    monkeypatch.setattr("trainer.data.project_photos.FEW", 0)
    with closing(Project.open(photos)) as project, project._database.writing() as connection:
        connection.execute("DELETE FROM photos WHERE image = ?", (image_id,))


def names(project):
    return {
        record.id: (record.path.relative_to(project.root).as_posix(), record.status)
        for record in project.images()
    }


def exported(folder, out):
    with closing(Project.open(folder, reading=True)) as project:
        problems = export_project(project, WRITERS["voc"], out)
    return problems, sorted(path.name for path in (out / "JPEGImages").iterdir())


@pytest.mark.parametrize("name", ["x.jpg", "a.JPG", "day1/a.jpg", "day1/deeper/other name.JPEG"])
def test_a_photo_that_moved_is_found_again_with_what_was_done(photos, tmp_path, name):
    (photos / name).parent.mkdir(parents=True, exist_ok=True)
    (photos / "a.jpg").rename(photos / name)
    problems, files = exported(photos, tmp_path / "out")  # which only reads the project
    assert not problems and len(files) == 1
    with closing(Project.open(photos)) as project:
        assert project.changes == Changes(moved=1) and not project.problems
        assert names(project) == {
            "a": (name, Status.ACCEPTED),
            "b": ("b.jpg", Status.CORRECTED),
            "c": ("c.jpg", Status.NEW),
        }
        np.testing.assert_array_equal(project.accepted_mask("a"), mask(8))
        assert project.record("a").tags == ("cat",)
    with closing(Project.open(photos)) as project:
        assert project.changes == Changes()


def test_photos_that_change_names_among_themselves_keep_what_was_done_on_each(photos):
    (photos / "a.jpg").rename(photos / "aside.jpg")
    (photos / "b.jpg").rename(photos / "a.jpg")
    (photos / "aside.jpg").rename(photos / "b.jpg")
    with closing(Project.open(photos)) as project:
        assert project.changes == Changes(moved=2)
        assert names(project) == {
            "a": ("b.jpg", Status.ACCEPTED),
            "b": ("a.jpg", Status.CORRECTED),
            "c": ("c.jpg", Status.NEW),
        }


@pytest.mark.parametrize("few", [True, False])
def test_photos_that_are_numbered_anew_take_the_names_of_untouched_ones(photos, monkeypatch, few):
    if not few:
        forget(photos, "c", monkeypatch)
    for before, now in (("c", "d"), ("b", "c"), ("a", "b")):
        (photos / f"{before}.jpg").rename(photos / f"{now}.jpg")
    with closing(Project.open(photos)) as project:
        found = names(project)
        assert found["a"] == ("b.jpg", Status.ACCEPTED)
        assert found["b"] == ("c.jpg", Status.CORRECTED)
        # One that nobody had read is a new one.
        assert ("d.jpg", Status.NEW) in found.values() and (found.get("c") == ("d.jpg", Status.NEW)) == few


@pytest.mark.parametrize("same_size", [False, True])
def test_another_photo_under_the_name_is_told_of_and_starts_fresh(photos, tmp_path, same_size):
    former = photos / "a.jpg"
    kept = shutil.copy2(former, tmp_path / "kept.jpg")
    write_photo(former, 9)
    if same_size:
        content = bytearray(kept.read_bytes())
        content[-20] ^= 1
        former.write_bytes(content)
    problems, files = exported_or_nothing(photos, tmp_path / "out")
    assert len(problems) == 1 and "a.jpg is another photo than the one" in problems[0] and not files
    with closing(Project.open(photos)) as project:
        assert project.changes.new == project.changes.gone == 1
        (problem,) = project.problems
        assert f"{former} is another photo now, listed as a_jpg" in problem and "put that back" in problem
        assert project.record("a_jpg").path == former
        assert (project.record("a_jpg").status, project.record("a_jpg").tags) == (Status.NEW, ("cat",))
        np.testing.assert_array_equal(project.accepted_mask("a"), mask(8))
        with pytest.raises(DataError, match=r"the photo of a is no longer in .*; put it back"):
            project.photo("a")
    (photos / "elsewhere").mkdir()
    shutil.copy2(kept, photos / "elsewhere/back.jpg")
    with closing(Project.open(photos)) as project:
        assert project.changes == Changes(moved=1)
        assert names(project)["a"] == ("elsewhere/back.jpg", Status.ACCEPTED)


def exported_or_nothing(folder, out):
    try:
        return exported(folder, out)
    except DataError as error:
        return [str(error)], []


def test_the_former_photo_may_come_back_under_its_own_name(photos, tmp_path):
    kept = shutil.copy2(photos / "a.jpg", tmp_path / "kept.jpg")
    write_photo(photos / "a.jpg", 9)
    with closing(Project.open(photos)) as project:
        project.record_edit("a_jpg", Target.SEEDS, BOX, BLANK, np.full_like(BLANK, 12), "brush")
    shutil.copy2(kept, photos / "a.jpg")
    with closing(Project.open(photos)) as project:
        assert names(project)["a"] == ("a.jpg", Status.ACCEPTED)
        assert project.can_undo("a_jpg")
        with pytest.raises(DataError, match="no longer"):
            project.photo("a_jpg")


def test_a_photo_that_nobody_worked_on_may_be_replaced(photos):
    with closing(Project.open(photos)) as project:
        project.photo("c")
        project.store_proposal_mask("c", mask(15))
        project.note_proposal("c", 0.5, "some model")
    write_photo(photos / "c.jpg", 9)
    with closing(Project.open(photos)) as project:
        assert project.changes == Changes(renewed=("c",)) and not project.problems
        assert names(project)["c"] == ("c.jpg", Status.NEW)
        assert project.proposal_mask("c") is None and project.record("c").margin is None
        assert project.record("c").tags == ("person",)
        assert project.photo("c") == photos / "c.jpg"


def test_a_photo_exchanged_while_the_project_is_open_is_noticed_when_it_is_opened(photos):
    with closing(Project.open(photos)) as project:
        write_photo(photos / "a.jpg", 9)
        with pytest.raises(OtherPhoto, match=r"a\.jpg is another photo than the one that was worked on as a"):
            project.photo("a")
        assert project.rescan() == Changes(new=1, gone=1)
        assert project.photo("a_jpg") == photos / "a.jpg"


def test_equal_photos_are_told_apart_by_their_names(photos):
    shutil.copy2(photos / "b.jpg", photos / "a.jpg")
    shutil.rmtree(photos / "affinity-project")
    with closing(Project.open_folder(photos)) as project:
        project.accept("a", mask(8))
        project.accept("b", mask(12))
    (photos / "day1").mkdir()
    for name in ("b.jpg", "a.jpg"):
        (photos / name).rename(photos / "day1" / name)
    with closing(Project.open(photos)) as project:
        assert {i: path for i, (path, _) in names(project).items()} == {
            "a": "day1/a.jpg", "b": "day1/b.jpg", "c": "c.jpg",
        }  # fmt: skip


def test_a_photo_that_was_only_touched_is_read_once(photos):
    os.utime(photos / "a.jpg", ns=(0, 0))
    with closing(Project.open(photos)) as project:
        assert project.changes == Changes()
        assert project.unread_photos() == []


def test_more_photos_than_are_read_at_once_are_checked_afterwards(photos, monkeypatch):
    forget(photos, "c", monkeypatch)
    with closing(Project.open(photos)) as project:
        assert project.unread_photos() == ["c"]
        assert project.read_photos(project.unread_photos())
        assert project.unread_photos() == []
        content = bytearray((photos / "a.jpg").read_bytes())
        content[-20] ^= 1
        (photos / "a.jpg").write_bytes(content)
        os.utime(photos / "b.jpg", ns=(0, 0))
        assert project.rescan(most=0) == Changes()
        assert project.unread_photos() == ["a", "b"]
        assert not project.read_photos(["a", "b"])
        assert project.unread_photos() == ["a"]
        assert project.rescan(most=None).new == 1


def test_photos_of_a_project_from_before_they_were_known_are_found_by_their_name_alone(photos):
    make_old(photos / "affinity-project/project.sqlite", 4)
    (photos / "a.jpg").rename(photos / "a.JPG")
    (photos / "b.jpg").rename(photos / "x.jpg")
    with closing(Project.open(photos)) as project:
        assert project.changes == Changes(new=1, gone=1, moved=1)
        assert names(project)["a"] == ("a.JPG", Status.ACCEPTED)
        assert project.photo("a") == photos / "a.JPG"


def test_an_imported_mask_stays_with_its_photo(photos, tmp_path):
    from trainer.data.imported_rows import Import
    from trainer.data.journal import packed

    with closing(Project.open(photos)) as project:
        project.import_masks([Import("c", SHAPE, packed(mask(15)), ("person",))], accept=True)
    (photos / "c.jpg").rename(photos / "z.jpg")
    problems, files = exported(photos, tmp_path / "out")
    assert not problems and files == ["a.jpg", "c.jpg"]
    assert (load_mask(tmp_path / "out/SegmentationClass/c.png") == 15).all()


def test_photos_of_one_size_and_time_that_changed_names_are_found_as_soon_as_one_is_opened(tmp_path):
    for value, name in ((50, "a"), (100, "b")):
        Image.fromarray(np.full((*SHAPE, 3), value, np.uint8)).save(tmp_path / f"{name}.bmp")
        os.utime(tmp_path / f"{name}.bmp", ns=(0, 0))
    with closing(Project.open_folder(tmp_path)) as project:
        project.accept("a", mask(8))
    for before, now in (("a", "aside"), ("b", "a"), ("aside", "b")):
        (tmp_path / f"{before}.bmp").rename(tmp_path / f"{now}.bmp")
    with closing(Project.open(tmp_path)) as project:
        with pytest.raises(OtherPhoto):
            project.photo("a")
        assert project.rescan() == Changes(moved=2)
        assert project.photo("a") == tmp_path / "b.bmp" and project.photo("b") == tmp_path / "a.bmp"
