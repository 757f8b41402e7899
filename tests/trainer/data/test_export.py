from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from trainer.data.classes import ClassList
from trainer.data.export import check_destination, write_data_set
from trainer.data.export_files import LIST_FILE
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.images import load_mask
from trainer.errors import Cancelled, DataError

CLASSES = ClassList(("cat", "cup"))


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_the_same_entries_give_the_same_bytes(tmp_path, entries):
    write_data_set(VocWriter, tmp_path / "one", entries, CLASSES)
    write_data_set(VocWriter, tmp_path / "two", reversed(entries), CLASSES)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_former_export_is_replaced_and_other_files_stay(tmp_path, entries):
    out = tmp_path / "out"
    write_data_set(VocWriter, out, entries, CLASSES)
    (out / "notes.txt").write_text("mine")
    write_data_set(VocWriter, out, entries[:1], CLASSES)
    assert sorted(path.name for path in (out / "JPEGImages").iterdir()) == ["upright.jpg"]
    assert (out / "notes.txt").read_text() == "mine"


def test_no_other_name_of_their_folder_lets_an_export_among_the_photos(tmp_path, entries):
    photos = tmp_path / "JPEGImages"
    photos.mkdir()
    own = [
        replace(entry, image_path=entry.image_path.rename(photos / entry.image_path.name))
        for entry in entries
    ]
    before = files(tmp_path)
    double = Path(f"/{tmp_path}")  # on POSIX systems another name of the same place
    for inside in ("JPEGImages", "JPEGImages/out"):
        with pytest.raises(DataError, match="among the photos"):
            check_destination(double / inside, photos, force=True)
    with pytest.raises(DataError, match="lies where the export would go"):
        write_data_set(VocWriter, double, own, CLASSES, force=True)
    assert files(tmp_path) == before


def test_a_foreign_folder_is_refused_unless_forced(tmp_path):
    out, photos = tmp_path / "out", tmp_path / "photos"
    out.mkdir()
    check_destination(out, photos)
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="out"):
        check_destination(out, photos)
    check_destination(out, photos, force=True)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file"):
        check_destination(tmp_path / "file", photos, force=True)


@pytest.mark.parametrize("force", [False, True])
def test_files_of_others_stay_in_the_folders_of_an_export(tmp_path, entries, force):
    out = tmp_path / "out"
    mine = {
        "JPEGImages/holiday.jpg": b"photo",
        "SegmentationClass/holiday.png": b"mask",
        "Annotations/old/holiday.xml": b"boxes",
        "ImageSets/Main/holiday.txt": b"list",
    }
    for name, content in mine.items():
        (out / name).parent.mkdir(parents=True)
        (out / name).write_bytes(content)
    write_data_set(VocWriter, out, entries, CLASSES, force)
    (out / "SegmentationClass/later.png").write_bytes(b"made by hand")
    write_data_set(VocWriter, out, entries[:1], CLASSES, force)
    found = files(out)
    assert mine.items() <= found.items()
    assert found["SegmentationClass/later.png"] == b"made by hand"
    assert "SegmentationClass/turned.png" not in found


@pytest.mark.parametrize("edited", [False, True])
def test_a_file_of_others_is_only_replaced_by_force_and_that_is_said(tmp_path, entries, edited):
    out, name = tmp_path / "out", "SegmentationClass/upright.png"
    if edited:
        write_data_set(VocWriter, out, entries, CLASSES)
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_bytes(b"by hand")
    before = files(out)
    with pytest.raises(DataError, match=r"upright\.png was made or changed by someone else"):
        write_data_set(VocWriter, out, entries, CLASSES)
    assert files(out) == before
    assert [name in problem for problem in write_data_set(VocWriter, out, entries, CLASSES, force=True)] == [
        True
    ]
    np.testing.assert_array_equal(load_mask(out / name), entries[0].mask)


def test_an_edited_file_stays_when_its_image_is_no_longer_exported(tmp_path, entries):
    out = tmp_path / "out"
    write_data_set(VocWriter, out, entries, CLASSES)
    (out / "SegmentationClass/turned.png").write_bytes(b"by hand")
    write_data_set(VocWriter, out, entries[:1], CLASSES)
    assert [name for name in files(out) if "turned" in name] == ["SegmentationClass/turned.png"]


def test_a_list_of_files_that_leaves_the_folder_is_refused(tmp_path, entries):
    out, outside = tmp_path / "out", tmp_path / "mine.txt"
    write_data_set(VocWriter, out, entries, CLASSES)
    outside.write_text("mine")
    with (out / LIST_FILE).open("a") as stream:
        stream.write(f"{sha256(b'mine').hexdigest()}  ../mine.txt\n")
    with pytest.raises(DataError, match=r"mine\.txt"):
        write_data_set(VocWriter, out, entries, CLASSES)
    assert outside.read_text() == "mine"


def test_a_failing_export_leaves_the_former_one_as_it_was(tmp_path, entries):
    out = tmp_path / "out"
    write_data_set(VocWriter, out, entries, CLASSES)
    before = files(out)

    def interrupted():
        yield entries[1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_data_set(VocWriter, out, interrupted(), CLASSES)
    assert files(out) == before


@pytest.mark.parametrize("former", [False, True])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_cancelled_export_leaves_nothing(tmp_path, entries, former, after):
    out = tmp_path / "out"
    if former:
        write_data_set(VocWriter, out, entries[:2], CLASSES)
    before, asked = files(out), count()
    with pytest.raises(Cancelled):
        write_data_set(VocWriter, out, entries, CLASSES, cancelled=lambda: next(asked) >= after)
    assert files(out) == before
    assert out.exists() == former
    assert not list(out.glob(".export.*.partial"))


def test_of_unfinished_exports_only_those_of_ours_are_removed(tmp_path, entries):
    out = tmp_path / "out"
    for name in (".export.0123abcd.partial", ".export.partial", ".export.mine.partial"):
        (out / name).mkdir(parents=True)
        (out / name / "letter.txt").write_text("mine")
    write_data_set(VocWriter, out, entries, CLASSES)
    left = sorted(path.name for path in out.glob(".export.*.partial"))
    assert left == [".export.mine.partial"] and (out / ".export.partial/letter.txt").is_file()


def test_a_first_export_comes_in_one_step_and_what_a_killed_one_left_beside_it_goes(
    tmp_path, entries, monkeypatch
):
    out, moved = tmp_path / "out", []
    for name in (
        ".out.export.0123abcd.partial",
        ".other.export.0123abcd.partial",
        ".out.export.mine.partial",
    ):
        (tmp_path / name).mkdir()
    move = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda path, target: moved.append(Path(target)) or move(path, target)
    )
    write_data_set(VocWriter, out, entries, CLASSES)
    assert [target for target in moved if out in (target, *target.parents)] == [out]
    left = sorted(path.name for path in tmp_path.glob(".*"))
    assert left == [".other.export.0123abcd.partial", ".out.export.mine.partial"]


def test_an_export_killed_while_it_takes_its_place_shows_and_can_be_repeated(tmp_path, entries, monkeypatch):
    out = tmp_path / "out"
    write_data_set(VocWriter, out, entries[:2], CLASSES)
    write_data_set(VocWriter, tmp_path / "whole", entries[1:], CLASSES)
    move = Path.replace

    def killed(path, target):
        if target == out / "JPEGImages/turned.jpg":
            raise KeyboardInterrupt
        return move(path, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", killed)
        write_data_set(VocWriter, out, entries[1:], CLASSES)
    assert "labelmap.txt" not in files(out)
    (out / f".{LIST_FILE}.0123abcd.partial").touch()
    (out / f".{LIST_FILE}.mine.partial").touch()
    check_destination(out, tmp_path / "photos")
    write_data_set(VocWriter, out, entries[1:], CLASSES)
    assert not (out / f".{LIST_FILE}.0123abcd.partial").exists()
    (out / f".{LIST_FILE}.mine.partial").unlink()
    assert files(out) == files(tmp_path / "whole")


def test_an_unknown_class_is_an_error_never_background(tmp_path, entries):
    with pytest.raises(DataError, match=r"turned.*label 2"):
        write_data_set(VocWriter, tmp_path / "out", entries, ClassList(("cat",)))
    with pytest.raises(DataError, match="zebra"):
        write_data_set(VocWriter, tmp_path / "out", [replace(entries[0], tags=("zebra",))], CLASSES)
    assert not (tmp_path / "out").exists()


def test_repeated_ids_and_images_of_the_export_itself_are_refused(tmp_path, entries):
    out = tmp_path / "out"
    with pytest.raises(DataError, match="UPRIGHT"):
        write_data_set(VocWriter, out, [entries[0], replace(entries[0], id="UPRIGHT")], CLASSES)
    write_data_set(VocWriter, out, entries, CLASSES)
    before = files(out)
    with pytest.raises(DataError, match=r"upright\.jpg"):
        write_data_set(
            VocWriter,
            out,
            [replace(entries[0], image_path=out / "JPEGImages/upright.jpg")],
            CLASSES,
            force=True,
        )
    assert files(out) == before


def test_an_image_that_fails_is_left_out_and_named(tmp_path, entries):
    damaged = entries[2].image_path
    damaged.write_bytes(damaged.read_bytes()[:5000])
    odd = replace(entries[0], id="odd", mask=np.zeros((3, 3), np.uint8))
    problems = write_data_set(VocWriter, tmp_path / "out", [entries[0], odd, entries[2]], CLASSES)
    assert len(problems) == 2
    assert "upright.jpg" in problems[0]
    assert "cat.png" in problems[1]
    lists = files(tmp_path / "out")
    assert lists["ImageSets/Segmentation/trainval.txt"] == b"upright\n"
    assert sorted(name for name in lists if "SegmentationClass" in name) == ["SegmentationClass/upright.png"]


def test_nothing_to_export_is_an_error(tmp_path):
    with pytest.raises(DataError, match="nothing"):
        write_data_set(VocWriter, tmp_path / "out", [], CLASSES)
