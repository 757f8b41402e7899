"""The photos behind the bundled weights: evenly drawn, tagged by their folders."""

import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.data.source import open_source
from trainer.data.tags import write_tags_csv
from trainer.distill.photo_archive import folder_of
from trainer.distill.tag_mix import balanced, draw, mix


def test_classes_are_drawn_evenly_from_their_folders() -> None:
    folders = ("Motorbikes", "chair", "windsor_chair", "watch", "BACKGROUND_Google", "Faces_easy")
    names = [f"x/{folder}/{index}.jpg" for folder in folders for index in range(200)]
    tags = draw(names)
    assert Counter(folder_of(name) for name in tags) == {
        "Motorbikes": 80, "chair": 40, "windsor_chair": 40, "watch": 40, "BACKGROUND_Google": 160
    }  # fmt: skip
    assert tags[next(name for name in tags if "windsor" in name)] == ("chair",)
    assert tags[next(name for name in tags if "watch" in name)] == ("watch",)
    assert tags[next(name for name in tags if "BACKGROUND" in name)] == ()
    assert draw(names) == tags != draw(names, seed=1)
    assert "watch" not in {folder_of(name) for name in draw(names, only_voc=True)}


def test_no_class_of_a_tree_outweighs_the_others() -> None:
    tags = [("dog",)] * 50 + [("dog", "cat")] * 4 + [()] * 3
    taken = balanced(tags, each=10)
    counts = Counter(tag for index in taken for tag in tags[index])
    assert counts["cat"] == 4 and 10 <= counts["dog"] <= 14
    assert sum(not tags[index] for index in taken) == 3
    assert taken == sorted(taken) and taken != balanced(tags, seed=1, each=10)


def test_the_mix_opens_as_a_tagged_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    archive, tree = tmp_path / "photos.zip", tmp_path / "farm"
    tree.mkdir()
    Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).save(tree / "one.jpg")
    shutil.copy(tree / "one.jpg", tree / "nobody-tagged-this.jpg")
    write_tags_csv(tree / "tags.csv", {"one": ("cow", "sheep")})
    Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).save(tmp_path / "a.png")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tmp_path / "a.png", "101/dalmatian/1.png")
        file.write(tmp_path / "a.png", "101/watch/1.png")
    assert mix(archive, [tree], tmp_path / "mixed") == 3
    tags = {item.id.split("-")[0]: item.tags for item in open_source(tmp_path / "mixed").items}
    assert tags == {"dalmatian": ("dog",), "watch": ("watch",), "farm": ("cow", "sheep")}
