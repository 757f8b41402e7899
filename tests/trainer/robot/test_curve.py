"""The curve: what corrections do for other photos, on a few dark cats on bright ground."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import trainer.worker.affinity_subject
import trainer.worker.finetuning
from trainer.data.classes import ClassList
from trainer.data.images import save_mask
from trainer.engine import Engine, Models
from trainer.method.settings import Settings
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.robot import CurveOptions
from trainer.robot.curve import Curve, Point
from trainer.robot.curve_picture import draw_curve
from trainer.robot.photos import PhotoSet, open_photos

COUNT = 6


@pytest.fixture
def photos(tmp_path: Path, rng: np.random.Generator) -> PhotoSet:
    root = tmp_path / "photos"
    (root / "SegmentationClass").mkdir(parents=True)
    for number in range(COUNT):
        photo, truth = rng.integers(170, 230, (48, 64, 3), np.uint8), np.zeros((48, 64), np.uint8)
        photo[12:36, 8 + number : 48], truth[12:36, 8 + number : 48] = 40, 1
        Image.fromarray(photo).save(root / f"p{number}.png")
        save_mask(root / "SegmentationClass" / f"p{number}.png", truth)
    lines = "".join(f"p{number},cat\n" for number in range(COUNT))
    (root / "tags.csv").write_text("image,tags\n" + lines)
    (root / "classes.txt").write_text("cat\n")
    return open_photos(root)


@pytest.fixture(autouse=True)
def _short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer.worker.affinity_subject.AffinitySubject, "steps", 2)
    monkeypatch.setattr(trainer.worker.finetuning, "PATIENCE", 1)


def curve(photos: PhotoSet, options: CurveOptions) -> Curve:
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("mobilenet_v2"), 1)
    settings = Settings(scales=(1.0,), seed_crf=False, mask_crf=False)
    engine = Engine(Models(ClassList(("cat",)), classifier), settings)
    return Curve(engine, photos, {photo.id: ("cat",) for photo in photos.photos}, options)


def test_points_follow_the_corrections_and_judge_the_same_photos(photos: PhotoSet) -> None:
    before = sorted(path.relative_to(photos.root) for path in photos.root.rglob("*"))
    both = curve(photos, CurveOptions(corrected=4, every=2, sample=2))
    off, on = both.off(), both.on()
    assert [point.corrected for point in off] == [point.corrected for point in on] == [0, 2, 4]
    assert off[0] == on[0]
    # Two corrected photos are too few for the trainer: nothing has changed yet.
    assert off[1] == on[1]
    assert {point.version for point in off} == {0}
    assert all(0 <= point.miou_untouched <= 1 and 0 <= point.strokes_85 <= point.strokes_90 for point in on)
    assert sorted(path.relative_to(photos.root) for path in photos.root.rglob("*")) == before


def test_the_same_seed_gives_the_same_points_and_another_order_other_photos(photos: PhotoSet) -> None:
    first, again = (curve(photos, CurveOptions(3, 3, "random", sample=1, seed=1)).off() for _ in range(2))
    assert first == again
    orders = set()
    for seed in range(4):
        made = curve(photos, CurveOptions(3, 3, "random", sample=1, seed=seed))
        made.off()
        orders.add(tuple(photo.id for photo in made.order))
    assert len(orders) > 1


def test_the_suggested_order_begins_with_what_the_models_are_least_sure_of(photos: PhotoSet) -> None:
    made = curve(photos, CurveOptions(3, 3, "suggested", sample=1))
    made.off()
    margins = [made.looks[photo.id].margin for photo in made.order]
    assert margins == sorted(margins, reverse=True)


def test_the_picture_shows_both_lines() -> None:
    off = [Point(count, 0.7, 0.6, 3, 4, 0) for count in (0, 4, 8)]
    on = [Point(count, 0.7 + count / 100, 0.6, 3 - count / 10, 4, 1) for count in (0, 4, 8)]
    pixels = {tuple(pixel) for pixel in np.asarray(draw_curve(on, off)).reshape(-1, 3).tolist()}
    assert (9, 105, 218) in pixels and (140, 149, 159) in pixels
