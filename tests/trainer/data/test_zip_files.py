"""Zip archives whose entries are not what they seem: named, and never unpacked into the memory."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.zip_files import ZipFolder
from trainer.distill.photo_archive import PhotoArchive
from trainer.errors import DataError
from trainer.learn.object_photos import find_pairs


def picture(value: int = 1) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((20, 30), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def archive(path: Path, content: bytes | None = None, method: int = zipfile.ZIP_DEFLATED) -> Path:
    content = picture() if content is None else content
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("set/JPEGImages/a.png", content)
        made.writestr("set/objects/a.png", content)
    return path


def changed(path: Path, offset: int, value: bytes) -> Path:
    """Change a field of every local header and of every entry in the table of contents."""
    content = bytearray(path.read_bytes())
    for mark, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset + shift : place + offset + shift + len(value)] = value
            place = content.find(mark, place + 4)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: archive(path, bytes(20 << 20)), "would unpack to 20 MB"),
        (lambda path: changed(archive(path), 6, b"\x01\x00"), "is encrypted"),
        (lambda path: changed(archive(path), 8, b"\x60\x00"), "is packed in an unknown way"),
        (lambda path: changed(archive(path), 14, b"\0\0\0\0"), "is damaged"),
        (lambda path: changed(archive(path), 22, b"\xff\0\0\0"), "is damaged"),
    ],
)
def test_an_entry_that_must_not_or_cannot_be_read_is_named(make: object, says: str, tmp_path: Path) -> None:
    path = make(tmp_path / "photos.zip")  # type: ignore[operator]
    for read in (
        lambda: ZipFolder(path).read("set/objects/a.png"),
        lambda: PhotoArchive([path]).read("set/objects/a.png"),
        lambda: find_pairs([path])[0].labels(),
    ):
        with pytest.raises(DataError, match=f"set/objects/a.png in .*photos.zip {says}"):
            read()


def test_a_damaged_table_of_contents_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "photos.zip")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"photos\.zip is not a zip file"):
        ZipFolder(path)


def test_equal_names_in_two_archives_stand_for_two_photos(tmp_path: Path) -> None:
    paths = [archive(tmp_path / f"{name}.zip", picture(value)) for name, value in (("one", 7), ("two", 90))]
    photos = PhotoArchive(paths)
    assert sorted({int(photos.read(name).mean()) for name in photos.names}) == [7, 90]
    assert len({pair.name for pair in find_pairs(paths)}) == 2


def test_an_entry_larger_than_any_photo_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.zip_files.MOST_BYTES", 50)
    with pytest.raises(DataError, match="would unpack to"):
        ZipFolder(archive(tmp_path / "photos.zip")).read("set/objects/a.png")
