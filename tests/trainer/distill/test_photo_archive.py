"""PhotoArchive in folders and zip files, and the crops drawn from them."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainer.distill.crops import Crops, jitter_batch
from trainer.distill.photo_archive import PhotoArchive, folder_of
from trainer.errors import DataError


@pytest.fixture
def sources(tmp_path: Path, rng: np.random.Generator) -> list[Path]:
    """Return a folder with 40 photos and a zip file with 4, each photo of one grey."""
    folder = tmp_path / "many"
    (folder / "inner").mkdir(parents=True)
    for index in range(40):
        Image.new("RGB", (90, 60), (index,) * 3).save(folder / "inner" / f"{index:02}.png")
    (folder / "notes.txt").write_text("no photo")
    with zipfile.ZipFile(tmp_path / "few.zip", "w") as archive:
        for index in range(4):
            Image.new("RGB", (60, 90), (200 + index,) * 3).save(tmp_path / "photo.png")
            archive.write(tmp_path / "photo.png", f"few/cups/{index}.png")
    return [folder, tmp_path / "few.zip"]


def test_photos_are_found_in_both_and_read_in_place(sources: list[Path]) -> None:
    photos = PhotoArchive(sources, short_side=30)
    assert len(photos.names) == 44
    assert "many/inner/07.png" in photos.names
    assert folder_of("few/cups/1.png") == "cups"
    assert photos.read("few/cups/1.png").shape == (45, 30, 3)
    assert photos.read("many/inner/07.png").mean() == 7


def test_what_cannot_be_used_is_named(tmp_path: Path, sources: list[Path]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no photos in .*empty"):
        PhotoArchive([tmp_path / "empty"])
    (tmp_path / "bad.zip").write_bytes(b"not a zip file")
    with pytest.raises(DataError, match=r"bad\.zip is not a zip file"):
        PhotoArchive([tmp_path / "bad.zip"])
    (sources[0] / "inner" / "00.png").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"many/inner/00\.png is not an image"):
        PhotoArchive(sources).read("many/inner/00.png")


def test_a_batch_may_be_larger_than_the_collection(sources: list[Path]) -> None:
    photos = PhotoArchive([sources[1]])
    assert len(next(Crops(photos, photos.names, 9, (0.3, 1.0), seed=0).batches(lambda: 32))) == 9


def test_a_small_collection_is_not_drowned_by_a_large_one(sources: list[Path]) -> None:
    photos = PhotoArchive(sources)
    batches = Crops(photos, photos.names, 4, (0.3, 1.0), seed=0).batches(lambda: 32)
    drawn = torch.cat([next(batches)[:, 0, 0, 0] for _ in range(100)])
    share = float((drawn >= 200).float().mean())
    # The square roots are 2 and 6.3; without them the small one would get 4 of 44.
    assert 0.19 < share < 0.29


def test_crops_are_drawn_again_by_the_same_seed_in_the_size_asked_for(sources: list[Path]) -> None:
    photos = PhotoArchive(sources)
    sizes = iter([16, 32, 48, 64])
    batches = Crops(photos, photos.names, 4, (0.3, 1.0), seed=3).batches(lambda: next(sizes))
    first, second = next(batches), next(batches)
    assert (first.shape, second.shape) == ((4, 3, 16, 16), (4, 3, 32, 32))
    again = Crops(photos, photos.names, 4, (0.3, 1.0), seed=3).batches(lambda: 16)
    assert torch.equal(next(again), first)


def test_jitter_keeps_the_range_and_changes_each_image_differently() -> None:
    images = torch.full((2, 3, 4, 4), 250, dtype=torch.uint8)
    changed = jitter_batch(images, torch.Generator().manual_seed(0))
    assert changed.min() >= 0 and changed.max() <= 255
    assert not torch.equal(changed[0], changed[1])
