"""The robots: where they click, what they paint, how IoU is counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from trainer.evaluation import object_iou
from trainer.robot.clicks import OFF_CENTRE, RADIUS, SPILL, CarefulRobot, UnsteadyRobot


def blank(value: int = 0, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.full(size, value, np.uint8)


def blobs(rng: np.random.Generator, size: tuple[int, int], classes: int = 1) -> np.ndarray:
    """Smooth random areas of background and `classes` classes."""
    fields = [ndimage.gaussian_filter(rng.normal(size=size), 4) for _ in range(classes + 1)]
    return np.argmax(fields, axis=0).astype(np.uint8)


def plain_depth(area: np.ndarray) -> np.ndarray:
    """Distance of each pixel of `area` to the nearest one outside, the border of the image being outside."""
    padded = np.pad(area, 1)
    outside = np.argwhere(~padded)
    depth = np.zeros(padded.shape)
    for y, x in np.argwhere(padded):
        depth[y, x] = np.sqrt(((outside - (y, x)) ** 2).sum(axis=1).min())
    return depth[1:-1, 1:-1]


def plain_click(mask: np.ndarray, truth: np.ndarray, clicked: np.ndarray) -> tuple[int, int, int] | None:
    """RITM's next click on one object, written down slowly: row, column, class."""
    missed = plain_depth((truth == 1) & (mask == 0))
    alarmed = plain_depth((truth == 0) & (mask == 1))
    missed[clicked] = alarmed[clicked] = 0
    positive = missed.max() > alarmed.max()
    depth = missed if positive else alarmed
    if depth.max() == 0:
        return None
    for y, x in itertools.product(*map(range, depth.shape)):
        if depth[y, x] == depth.max():
            return y, x, int(positive)
    raise AssertionError


def test_it_clicks_as_ritms_robot_does(rng: np.random.Generator) -> None:
    for _ in range(10):
        truth, clicked = blobs(rng, (30, 40)), np.zeros((30, 40), bool)
        truth[rng.random(truth.shape) < 0.02] = 255
        robot = CarefulRobot(truth)
        for left in range(4, 0, -1):
            mask = blobs(rng, truth.shape)
            expected = plain_click(mask, truth, clicked)
            click = robot.click(mask, left)
            assert click is not None and (click.y, click.x, click.label) == expected
            clicked[click.y, click.x] = True


def test_equally_deep_errors_get_a_negative_click() -> None:
    truth, mask = blank(), blank()
    truth[5:16, 5:16] = 1
    mask[5:16, 40:51] = 1
    click = CarefulRobot(truth).click(mask, 1)
    assert click is not None and (click.y, click.x, click.label) == (10, 45, 0)


def test_a_disc_is_cut_to_its_class_but_not_to_the_error() -> None:
    truth, mask = blank(), blank()
    truth[10:30, 10:30] = 3
    truth[10:30, 30] = 255
    mask[10:30, 10:24] = 3  # missed: a stripe six pixels wide
    robot = CarefulRobot(truth)
    click = robot.click(mask, 1)
    assert click is not None and click.label == 3
    painted = robot.corrections != 255
    assert (truth[painted] == 3).all()
    assert painted[click.y, click.x - RADIUS] and not painted[:, 30:].any()


def test_void_is_never_clicked_and_a_right_mask_neither() -> None:
    truth = blank(7)
    truth[:20] = 255
    robot = CarefulRobot(truth)
    click = robot.click(blank(), 1)
    assert click is not None and click.y >= 20
    assert robot.click(blank(7), 1) is None


def test_with_several_classes_the_deepest_error_of_any_is_clicked() -> None:
    truth, mask = blank(), blank()
    truth[2:11, 2:11] = 4
    truth[2:33, 25:56] = 9
    mask[truth == 9] = 4
    click = CarefulRobot(truth).click(mask, 1)
    assert click is not None and (click.y, click.x, click.label) == (17, 40, 9)


def test_the_unsteady_robot_keeps_to_its_rules(rng: np.random.Generator) -> None:
    """Off-centre within the error, at most 3 px over the edge, a tenth wrong and corrected at once."""
    wrong = total = off_centre = spilt = 0
    for seed in range(30):
        truth = blobs(rng, (40, 60), classes=2)
        robot = UnsteadyRobot(truth, np.random.default_rng(seed))
        slip = None
        for left in range(10, 0, -1):
            mask, before = blobs(rng, truth.shape, classes=2), robot.corrections.copy()
            click = robot.click(mask, left)
            assert click is not None
            total += 1
            there = truth[click.y, click.x]
            assert click.wrong == (click.label != there)
            painted = robot.corrections != before
            rows, columns = np.nonzero(painted)
            assert ((rows - click.y) ** 2 + (columns - click.x) ** 2 <= RADIUS**2).all()
            assert (ndimage.distance_transform_edt(truth != there)[painted] <= SPILL).all()
            spilt += (truth[painted] != there).any()
            if slip is not None:
                assert (click.y, click.x, click.wrong) == (slip.y, slip.x, False)
                assert not ((robot.corrections == slip.label) & painted).any()
                slip = None
            elif click.wrong:
                wrong, slip = wrong + 1, click
            else:
                depth = ndimage.distance_transform_edt(np.pad((truth == there) & (mask != truth), 1))[
                    1:-1, 1:-1
                ]
                assert depth[click.y, click.x] >= OFF_CENTRE * depth.max() * 0.99
                off_centre += depth[click.y, click.x] < depth.max()
        assert slip is None
    assert 0.05 < wrong / total < 0.15
    assert off_centre > total / 2
    assert spilt > total / 10


def test_the_unsteady_robot_is_the_same_for_a_seed(rng: np.random.Generator) -> None:
    truth, masks = blobs(rng, (40, 60)), [blobs(rng, (40, 60)) for _ in range(8)]

    def clicks(seed: int) -> list[object]:
        robot = UnsteadyRobot(truth, np.random.default_rng(seed))
        return [robot.click(mask, 20) for mask in masks]

    assert clicks(3) == clicks(3) != clicks(4)


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
