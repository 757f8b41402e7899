"""How clicks are counted, and how sure a difference is."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.robot.clicks import Click
from trainer.robot.scores import Course, Simulation, differences


def course(image: str, *ious: float, wrong: tuple[int, ...] = ()) -> Course:
    """A course with these IoUs; the clicks numbered `wrong` (from 1) were wrong."""
    clicks = tuple(Click(0, 0, 1, wrong=n in wrong) for n in range(1, len(ious)))
    return Course(image, None, ious, clicks, tuple(0.1 for _ in clicks), 0.5)


def test_clicks_are_counted_as_the_protocol_says() -> None:
    courses = course("a", 0.95), course("b", 0.2, 0.86, 0.91, 0.80), course("c", 0.1, 0.3, 0.2)
    figures = Simulation("ours", courses, max_clicks=20).to_json()
    assert figures["noc@85"] == pytest.approx((0 + 1 + 20) / 3)
    assert figures["noc@90"] == pytest.approx((0 + 2 + 20) / 3)
    assert figures["failed@85"] == figures["failed@90"] == pytest.approx(1 / 3)
    assert len(figures["iou_after"]) == 21
    assert figures["iou_after"][1] == pytest.approx((0.95 + 0.86 + 0.3) / 3)
    assert figures["iou_after"][20] == pytest.approx((0.95 + 0.80 + 0.2) / 3)
    assert figures["drops"] == pytest.approx(2 / 5)
    assert figures["seconds_per_click"] == pytest.approx(0.1)
    assert figures["images"] == 3 and [c["image"] for c in figures["courses"]] == ["a", "b", "c"]


def test_a_wrong_click_is_no_drop_but_what_it_leaves_behind_is() -> None:
    mended = course("a", 0.5, 0.8, 0.3, 0.79, wrong=(2,))
    assert (mended.drops(), mended.right_clicks()) == (0, 2)
    harmed = course("a", 0.5, 0.8, 0.3, 0.6, wrong=(2,))
    assert (harmed.drops(), harmed.right_clicks()) == (1, 2)


def test_a_paired_difference_is_surer_than_the_spread_of_the_photos(rng: np.random.Generator) -> None:
    hardness = rng.uniform(0, 0.7, 40)
    first = Simulation("ours", tuple(course(str(n), 0, 0.9 - h) for n, h in enumerate(hardness)), 1)
    worse = tuple(course(str(n), 0, 0.8 - h + rng.normal(0, 0.01)) for n, h in enumerate(hardness))
    other = Simulation("other", worse, 1)
    mean, low, high = differences(first, other)["iou@1"]
    assert low < mean < high and mean == pytest.approx(-0.1, abs=0.01)
    assert high - low < 0.02 < hardness.std() / 40**0.5
    assert differences(first, other) == differences(first, other)
    assert set(differences(first, first)["noc@85"]) == {0.0}


def test_objects_of_one_photo_are_drawn_together() -> None:
    """Ten objects of each of two photos are two witnesses, not twenty: the interval spans both photos."""
    photos = ["a"] * 10 + ["b"] * 10
    first = Simulation("ours", tuple(course(p, 0, 0.5) for p in photos), 1)
    other = Simulation("other", tuple(course(p, 0, 0.5 if p == "a" else 0.7) for p in photos), 1)
    _, low, high = differences(first, other)["iou@1"]
    assert (low, high) == pytest.approx((0, 0.2))
