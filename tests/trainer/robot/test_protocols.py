"""The protocols on methods whose answers are known, so that every figure can be told beforehand."""

from __future__ import annotations

import os
import runpy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.errors import DataError, UserError
from trainer.robot.methods import RandomWalker
from trainer.robot.photos import open_photos
from trainer.robot.protocols import PROTOCOLS, simulate


class Painter:
    """Proposes `mask` and answers with the corrections on top of it: nothing spreads."""

    name = "ours"

    def __init__(self, mask: int = 0) -> None:
        self.mask = mask
        self.asked: list[tuple[str, ...]] = []

    def start(self, image: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        self.asked.append(tuple(classes))
        self._proposed = np.full(image.shape[:2], self.mask, np.uint8)
        return self._proposed

    def refine(self, corrections: np.ndarray) -> np.ndarray:
        return np.where(corrections == 255, self._proposed, corrections)


@pytest.fixture
def stripe(tmp_path: Path) -> Path:
    """Make one photo of a stripe of 3×33 pixels, rows 8 to 10, columns 8 to 40."""
    mask = np.zeros((20, 50), np.uint8)
    mask[8:11, 8:41] = 255
    for folder, picture in (("images", np.stack([mask] * 3, -1)), ("masks", mask)):
        (tmp_path / "stripe" / folder).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "stripe" / folder / "a.png")
    return tmp_path / "stripe"


def test_the_clicks_on_a_stripe_are_counted_by_hand(stripe: Path) -> None:
    """What is missing is two deep in the middle row from its second column on, and the first such pixel is
    clicked: column 9. The disc of 5 px covers ±5 columns of the middle row and ±4 of the others, and is cut
    to the stripe: 7 + 2 × 6 of its 99 pixels. Each further click goes 7 columns on and covers 21 more.
    """
    (simulation,), problems = simulate([Painter()], open_photos(stripe), PROTOCOLS["clicks"])
    course = simulation.courses[0]
    assert [(click.y, click.x, click.label) for click in course.clicks] == [
        (9, column, 1) for column in (9, 16, 23, 30, 37)
    ]
    assert course.ious == pytest.approx([0, 19 / 99, 40 / 99, 61 / 99, 82 / 99, 1])
    figures = simulation.to_json()
    assert (figures["noc@85"], figures["noc@90"]) == (5, 5)
    assert (figures["failed@85"], figures["failed@90"], figures["drops"]) == (0, 0, 0)
    assert figures["iou_after"] == pytest.approx([*course.ious, *[1] * 15])
    assert not problems
    (cut_short,), _ = simulate([Painter()], open_photos(stripe), PROTOCOLS["clicks"], clicks=4)
    assert (cut_short.figures()["noc@90"], cut_short.figures()["failed@90"]) == (4, 1)


@pytest.mark.shared_data
def test_clicks_agree_with_the_instrument_that_judges_us(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same clicks and the same IoU after each."""
    instrument = shared / "measure" / "noc.py"
    if not instrument.is_file():
        pytest.skip("needs ../shared/measure/noc.py, which is absent")
    monkeypatch.setattr("sys.argv", ["noc.py"])
    monkeypatch.setattr("os.environ", {**os.environ})  # it sets the number of threads
    judge = runpy.run_path(str(instrument))
    photos = open_photos(shared / "data" / "gsc").select(limit=1)
    (simulation,), _ = simulate([Painter()], photos, PROTOCOLS["clicks"])

    class Adapter:
        def start(self, image: np.ndarray) -> None:
            self._painter = Painter()
            self._painter.start(image, ("object",))

        def predict(self, seeds: np.ndarray) -> np.ndarray:
            return self._painter.refine(seeds)

    for course in simulation.courses:
        image, truth, valid = judge["load"](shared / "data" / "gsc", course.image)
        record, _ = judge["run_image"](Adapter(), image, truth, valid, radius=5, max_clicks=20)
        assert [(click.y, click.x, click.label) for click in course.clicks] == record["clicks"]
        assert course.ious[1:] == pytest.approx(record["iou"])


def test_clicks_begin_from_nothing_and_the_class_is_unknown(voc_tree: Path) -> None:
    """Each class of a photo in turn; the photo that shows none has no course."""
    method = Painter(mask=1)
    (simulation,), _ = simulate([method], open_photos(voc_tree), PROTOCOLS["clicks"], clicks=2)
    assert [(course.image, course.target) for course in simulation.courses] == [
        ("four", "person"),
        ("one", "cat"),
        ("two", "dog"),
        ("two", "person"),
    ]
    assert set(method.asked) == {("object",)}
    assert simulation.figures()["iou@0"] == 0
    assert all({click.label for click in course.clicks[:1]} == {1} for course in simulation.courses)


def test_the_proposal_is_asked_for_the_classes_of_the_photo(voc_tree: Path) -> None:
    method = Painter(mask=15)
    (simulation,), _ = simulate([method], open_photos(voc_tree), PROTOCOLS["proposal"])
    assert method.asked == [("person",), ("cat",), (), ("dog", "person")]
    assert simulation.max_clicks == 10
    first = simulation.courses[0]
    assert first.target is None
    assert first.ious[0] == pytest.approx(400 / (60 * 38))
    assert first.clicks[0].label == 0


def test_noisy_is_the_same_for_a_seed_whatever_else_is_annotated(voc_tree: Path) -> None:
    photos, noisy = open_photos(voc_tree), PROTOCOLS["noisy"]
    (all_of_them,), _ = simulate([Painter()], photos, noisy, seed=1)
    (one_of_them,), _ = simulate([Painter()], photos.select({"four", "one", "three"}), noisy, seed=1)
    (another,), _ = simulate([Painter()], photos, noisy, seed=2)
    assert one_of_them.courses[0].clicks == all_of_them.courses[-1].clicks
    assert another.courses[-1].clicks != all_of_them.courses[-1].clicks


def test_every_method_gets_the_same_photos(voc_tree: Path) -> None:
    walker = RandomWalker()
    simulations, _ = simulate([Painter(), walker], open_photos(voc_tree), PROTOCOLS["clicks"], clicks=3)
    ours, walked = simulations
    assert [c.image for c in ours.courses] == [c.image for c in walked.courses]
    assert walked.figures()["iou@3"] > ours.figures()["iou@3"]
    with pytest.raises(UserError, match="random-walker"):
        simulate([Painter(), walker], open_photos(voc_tree), PROTOCOLS["proposal"])


def test_a_damaged_photo_is_named_and_the_rest_goes_on(voc_tree: Path) -> None:
    photo = voc_tree / "JPEGImages" / "one.jpg"
    photo.write_bytes(photo.read_bytes()[:-200])
    (simulation,), problems = simulate([Painter()], open_photos(voc_tree), PROTOCOLS["clicks"], clicks=1)
    assert {course.image for course in simulation.courses} == {"four", "two"}
    assert len(problems) == 1 and "one.jpg" in problems[0]


def test_where_no_photo_is_good_there_are_no_figures(voc_tree: Path) -> None:
    for mask in (voc_tree / "SegmentationClass").iterdir():
        Image.open(mask).resize((10, 10)).save(mask)
    with pytest.raises(DataError, match=r"four\.png"):
        simulate([Painter()], open_photos(voc_tree), PROTOCOLS["clicks"], clicks=1)
