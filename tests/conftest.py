"""Fixtures of the whole suite: seeded generators, a small VOC tree, photos that lie outside the project."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.images import save_mask

# Before torch is imported, and for every process that a test starts: with more threads, sums have other last
# bits from run to run on some processors, and tests compare masks and weights to the bit.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TREE_TAGS = {"one": ("cat",), "two": ("dog", "person"), "three": (), "four": ("person",)}
"""Images of `voc_tree` and what they show; "four" is in the split val, the others in train."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Seed every global generator, so that each test gives the same result alone and in any order."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (libraries still draw from it)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a fresh seeded generator."""
    return np.random.default_rng(0)


@pytest.fixture
def shared() -> Path:
    """Return the folder of real photos beside the project, or skip the test where there is none."""
    folder = Path(__file__).parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs the photos in ../shared, which are absent")
    return folder


@pytest.fixture
def voc_tree(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Make a small VOC tree (see `TREE_TAGS`): noisy photos in which a coloured square is the object."""
    root = tmp_path / "tree"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Main", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    ids = {"cat": 8, "dog": 12, "person": 15}
    for image_id, tags in TREE_TAGS.items():
        photo = rng.integers(0, 100, (40, 60, 3), np.uint8)
        mask = np.zeros((40, 60), np.uint8)
        for position, tag in enumerate(tags):
            area = np.s_[8:28, 5 + 28 * position : 25 + 28 * position]
            photo[area] += np.uint8([[150, 20 * position, ids[tag] * 8]])
            mask[area] = ids[tag]
        mask[:2] = 255
        Image.fromarray(photo).save(root / "JPEGImages" / f"{image_id}.jpg", quality=95)
        save_mask(root / "SegmentationClass" / f"{image_id}.png", mask)
    splits = {"train": ["one", "two", "three"], "val": ["four"]}
    for split, members in splits.items():
        (root / "ImageSets/Segmentation" / f"{split}.txt").write_text("".join(f"{i}\n" for i in members))
        for name in ids:
            flags = (f"{i} {'1' if name in TREE_TAGS[i] else '-1':>2}\n" for i in members)
            (root / "ImageSets/Main" / f"{name}_{split}.txt").write_text("".join(flags))
    return root
