"""The photos behind the bundled weights: evenly drawn, tagged by their folders, none of the probe's."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.data.source import open_source
from trainer.data.tags import write_tags_csv
from trainer.distill.photo_archive import folder_of
from trainer.distill.probe import PROBE_CLASSES
from trainer.distill.tag_mix import FOLDERS, NAMELESS, draw, mix


def test_classes_are_drawn_evenly_from_their_folders() -> None:
    names = [f"x/{folder}/{index}.jpg" for folder in ("Motorbikes", "chair", "windsor_chair", "watch", "crab")
             for index in range(100)]  # fmt: skip
    tags = draw(names)
    folders = Counter(folder_of(name) for name in tags)
    assert folders == {"Motorbikes": 80, "chair": 40, "windsor_chair": 40, "watch": 3}
    assert tags[next(name for name in tags if "windsor" in name)] == ("chair",)
    assert tags[next(name for name in tags if "watch" in name)] == ()
    assert draw(names) == tags != draw(names, seed=1)


def test_no_class_of_the_probe_is_among_them() -> None:
    used = {folder for folders in FOLDERS.values() for folder in folders} | set(NAMELESS)
    assert not used & set(PROBE_CLASSES)


def test_the_mix_opens_as_a_tagged_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    archive, tree = tmp_path / "photos.zip", tmp_path / "farm"
    tree.mkdir()
    Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).save(tree / "one.jpg")
    write_tags_csv(tree / "tags.csv", {"one": ("cow", "sheep")})
    Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).save(tmp_path / "a.png")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tmp_path / "a.png", "101/dalmatian/1.png")
        file.write(tmp_path / "a.png", "101/watch/1.png")
    assert mix(archive, [tree], tmp_path / "mixed") == 3
    tags = {item.id.split("-")[0]: item.tags for item in open_source(tmp_path / "mixed").items}
    assert tags == {"dalmatian": ("dog",), "watch": (), "farm": ("cow", "sheep")}
