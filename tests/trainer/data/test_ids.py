import unicodedata
from pathlib import Path, PurePosixPath

import pytest

from trainer.data.ids import assign_ids, checked_id, file_under, path_below
from trainer.errors import DataError


@pytest.mark.parametrize(
    "bad", ["", "..", "../a", "a/../b", "/a", "a//b", "a/", "C:a", "a\\b", "a\0", "a\nb", "a "]
)
def test_ids_that_would_leave_their_folder_are_refused(bad):
    with pytest.raises(DataError):
        checked_id(bad)
    with pytest.raises(DataError):
        file_under(Path("masks"), bad, ".png")


def test_ids_keep_their_dots_and_folders():
    assert file_under(Path("masks"), "sub/photo.v2 final", ".png") == Path("masks/sub/photo.v2 final.png")


@pytest.mark.parametrize("bad", ["../a.jpg", "/etc/passwd", "a/../../b", "a\0"])
def test_paths_stay_below_their_folder(bad):
    with pytest.raises(DataError):
        path_below(Path("root"), bad)


def test_paths_may_hold_what_ids_may_not():
    assert path_below(Path("root"), "at 12:30?.jpg") == Path("root/at 12:30?.jpg")


def test_equal_stems_get_distinct_ids():
    names = ["cat.jpg", "cat.png", "Cat.bmp", "sub/cat.jpg", "cat_png.jpg", "12:30 .jpg"]
    ids = assign_ids(map(PurePosixPath, names))
    assert list(ids.values()) == ["cat", "cat_png", "Cat_bmp", "sub/cat", "cat_png_jpg", "12_30"]
    assert all(checked_id(image_id) for image_id in ids.values())


def test_taken_ids_are_avoided():
    assert list(assign_ids([PurePosixPath("a.jpg")], taken=["A", "a_jpg"]).values()) == ["a_jpg_2"]


def test_names_that_differ_only_in_their_form_of_unicode_get_distinct_ids():
    names = [unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD")]
    assert list(assign_ids(map(PurePosixPath, names)).values()) == ["é", "é_jpg"]


def test_a_name_of_spaces_is_a_name() -> None:
    ids = assign_ids([PurePosixPath(" .jpg"), PurePosixPath("  /a.jpg"), PurePosixPath("   .png")])
    assert [checked_id(image_id) for image_id in ids.values()] == ["_", "_/a", "__png"]


def test_names_that_windows_keeps_for_devices_are_names_of_photos_all_the_same() -> None:
    names = ["aux.jpg", "CON.v2.jpg", "nul/a.jpg", "auxiliary.jpg", "com1_.jpg"]
    ids = assign_ids(map(PurePosixPath, names))
    assert list(ids.values()) == ["aux_", "CON_.v2", "nul_/a", "auxiliary", "com1_"]
