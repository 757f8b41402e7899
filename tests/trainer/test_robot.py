"""The simulated annotator: where it clicks, what it paints, how it counts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from trainer.data.classes import ClassList
from trainer.data.source import open_source
from trainer.engine import Engine, Models
from trainer.errors import DataError
from trainer.method.settings import Settings
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.robot import Click, Course, Simulation, annotate, next_click, object_iou, simulate


def blank(value: int = 0, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.full(size, value, np.uint8)


@pytest.fixture
def engine() -> Engine:
    torch.manual_seed(0)
    classes = ClassList.voc()
    classifier = CamClassifier(build_backbone("resnet18"), len(classes))
    return Engine(Models(classes, classifier), Settings(scales=(1.0,), seed_crf=False))


def test_it_clicks_into_the_middle_of_the_larger_error_and_names_its_true_class() -> None:
    truth, mask = blank(), blank()
    truth[10:31, 5:26] = 3  # missed entirely: 21×21
    mask[0:9, 40:49] = 3  # false alarm: 9×9
    assert next_click(mask, truth, blank(255)) == Click(20, 15, radius=5, label=3)
    truth[10:31, 5:26] = 0
    assert next_click(mask, truth, blank(255)) == Click(4, 44, radius=4, label=0)


def test_the_border_of_the_image_counts_as_the_border_of_the_area() -> None:
    click = next_click(blank(), blank(1, (40, 60)), blank(255))
    assert (click is not None and (click.y, click.x) in {(19, 19), (19, 20)}) or click.y in (19, 20)


def test_void_and_what_was_painted_are_never_clicked() -> None:
    truth = blank()
    truth[5:35, 5:55] = 7
    corrections = blank(255)
    corrections[:, 30:] = 7
    truth[:20] = 255
    click = next_click(blank(), truth, corrections)
    assert click is not None and click.y >= 20 and click.x < 30
    assert next_click(blank(7), np.where(truth == 0, 255, truth).astype(np.uint8), blank(255)) is None


def test_for_two_classes_it_is_the_rule_of_ritm(rng: np.random.Generator) -> None:
    """Compare with the protocol written down plainly: two padded distance transforms, the larger maximum."""
    for _ in range(20):
        truth = (ndimage.gaussian_filter(rng.normal(size=(50, 70)), 6) > 0).astype(np.uint8)
        mask = (ndimage.gaussian_filter(rng.normal(size=(50, 70)), 6) > 0).astype(np.uint8)
        missed, alarmed = (
            ndimage.distance_transform_edt(np.pad(area, 1))[1:-1, 1:-1]
            for area in ((truth == 1) & (mask == 0), (truth == 0) & (mask == 1))
        )
        click = next_click(mask, truth, np.full(truth.shape, 255, np.uint8))
        assert click is not None
        assert click.label == (missed.max() > alarmed.max())
        deepest = missed if click.label else alarmed
        assert deepest[click.y, click.x] == deepest.max()


def test_the_disc_stays_inside_the_wrong_area(rng: np.random.Generator) -> None:
    for _ in range(20):
        truth = (ndimage.gaussian_filter(rng.normal(size=(50, 70)), 2) > 0).astype(np.uint8)
        click = next_click(blank(0, (50, 70)), truth, blank(255, (50, 70)))
        assert click is not None
        corrections = blank(255, (50, 70))
        click.paint(corrections)
        assert corrections[click.y, click.x] == click.label
        assert (truth[corrections != 255] == click.label).all()


def test_iou_is_of_the_objects_and_leaves_void_out() -> None:
    truth, mask = blank(), blank()
    truth[:10, :10] = 2
    truth[:10, 10:20] = 255
    mask[:10, :15] = 2
    assert object_iou(mask, truth) == 1
    mask[10:20, :10] = 2
    assert object_iou(mask, truth) == pytest.approx(1 / 2)
    truth[30:, 30:] = 5
    assert object_iou(mask, truth) == pytest.approx(1 / 4)
    assert object_iou(blank(), blank()) == 1


def test_clicks_are_counted_as_the_protocol_says() -> None:
    at_once, late, never = Course("a", (0.95,)), Course("b", (0.2, 0.86, 0.91)), Course("c", (0.1, 0.3, 0.2))
    simulation = Simulation((at_once, late, never), max_clicks=20)
    assert simulation.noc(0.85) == pytest.approx((0 + 1 + 20) / 3)
    assert simulation.noc(0.90) == pytest.approx((0 + 2 + 20) / 3)
    assert simulation.failures(0.85) == 1
    assert simulation.iou(1) == pytest.approx((0.95 + 0.86 + 0.3) / 3)
    assert simulation.to_json()["noc@90"] == simulation.noc(0.90)


def test_a_perfect_follower_needs_one_click_for_each_error(engine: Engine, rng: np.random.Generator) -> None:
    """A square on noise, given the truth's edges: the clicks lead there and end when it is good enough."""
    truth = blank(0, (96, 128))
    truth[24:72, 40:88] = 1
    image = rng.integers(0, 30, (96, 128, 3), np.uint8)
    image[truth == 1] += np.uint8(200)
    ious = list(annotate(engine, image, truth, max_clicks=10))
    assert ious[-1] >= 0.9 > max(ious[:-1], default=0)
    assert len(ious) <= 6


def test_a_whole_set_is_annotated_and_reported(engine: Engine, voc_tree: Path) -> None:
    simulation = simulate(engine, open_source(voc_tree, "train"), max_clicks=3)
    assert [course.image for course in simulation.courses] == ["one", "two", "three"]
    assert all(len(course.ious) <= 4 for course in simulation.courses)
    figures = simulation.to_json()
    assert figures["images"] == 3 and len(figures["iou_after"]) == 4
    assert figures["iou_after"][-1] >= figures["iou_after"][0]


@pytest.mark.parametrize("spoil", ["no truth", "other classes", "wrong size"])
def test_a_set_it_cannot_work_on_is_refused_in_one_sentence(
    engine: Engine, voc_tree: Path, spoil: str
) -> None:
    masks: Iterable[Path] = sorted((voc_tree / "SegmentationClass").iterdir())
    classes = None
    for mask in masks:
        if spoil == "no truth":
            mask.unlink()
        elif spoil == "wrong size":
            Image.open(mask).resize((10, 10)).save(mask)
    if spoil == "other classes":
        classes = ClassList(("cat", "dog", "person"))
    with pytest.raises(DataError):
        simulate(engine, open_source(voc_tree, "train", classes), max_clicks=1)
