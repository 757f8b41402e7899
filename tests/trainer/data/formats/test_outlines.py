"""Outlines give back the very pixels they were drawn around, in this program and in others."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from trainer.data.formats import rle
from trainer.data.formats.base import ExportEntry
from trainer.data.formats.outlines import (
    border_outlines,
    drawable,
    fill_borders,
    fill_pixels,
    objects_in,
    pixel_outline,
)
from trainer.errors import DataError


def whole(patch, shape):
    inside = np.zeros(shape, bool)
    patch.of(inside)[:] = patch.inside
    return inside


def entry_of(mask):
    return ExportEntry("one", Path("one.jpg"), mask)


@pytest.fixture(scope="module")
def areas():
    """Areas of all kinds: specks, lines, corner to corner, holes in holes; each with its mask."""
    random = np.random.default_rng(3)
    found = []
    for smoothness in (0, 0.6, 1.5, 3):
        for _ in range(30):
            noise = ndimage.gaussian_filter(random.random(random.integers(1, 48, 2)), smoothness)
            mask = (noise > np.median(noise)).astype(np.uint8)
            found += [(area, whole(area, mask.shape)) for area in objects_in(entry_of(mask))]
    assert any(len(border_outlines(area)) > 5 for area, _ in found)
    return found


def test_an_outline_along_the_borders_gives_back_the_pixels(areas):
    for area, inside in areas:
        filled = fill_borders(border_outlines(area), inside.shape)
        np.testing.assert_array_equal(whole(filled, inside.shape), inside)


def test_an_outline_through_the_outermost_pixels_gives_back_the_pixels_with_holes_left_out(areas):
    for area, inside in areas:
        filled = fill_pixels(drawable(pixel_outline(area)) + 0.5, inside.shape)
        np.testing.assert_array_equal(whole(filled, inside.shape), inside)


def test_opencv_fills_the_same_pixels(areas):
    cv2 = pytest.importorskip("cv2")
    for area, inside in areas:
        canvas = np.zeros(inside.shape, np.uint8)
        cv2.fillPoly(canvas, [drawable(pixel_outline(area)).astype(np.int32)], 1)
        np.testing.assert_array_equal(canvas, inside)


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_pycocotools_fills_and_encodes_the_same_pixels(areas):
    coco = pytest.importorskip("pycocotools.mask")
    for area, inside in areas:
        height, width = inside.shape
        if len(outlines := border_outlines(area)) == 1:
            polygon = [outlines[0].astype(float).ravel().tolist()]
            decoded = coco.decode(coco.merge(coco.frPyObjects(polygon, height, width)))
            np.testing.assert_array_equal(decoded, inside)
        runs = {"size": [height, width], "counts": rle.encode(inside)}
        compressed = coco.frPyObjects(runs, height, width)
        np.testing.assert_array_equal(coco.decode(compressed), inside)
        np.testing.assert_array_equal(rle.decode(compressed["counts"].decode(), inside.shape), inside)


def test_runs_give_back_the_pixels_and_must_fill_the_image(areas):
    for _, inside in areas:
        np.testing.assert_array_equal(rle.decode(rle.encode(inside), inside.shape), inside)
    for damaged in ([3, 4], [7, -1], "0"):
        with pytest.raises(DataError, match="size"):
            rle.decode(damaged, (2, 3))


def test_a_straight_edge_has_no_points_but_its_ends():
    mask = np.zeros((20, 30), np.uint8)
    mask[2:9, 3:20] = 1
    (area,) = objects_in(entry_of(mask))
    assert sorted(map(tuple, border_outlines(area)[0].tolist())) == [(3, 2), (3, 9), (20, 2), (20, 9)]
    assert sorted(map(tuple, pixel_outline(area).tolist())) == [(3, 2), (3, 8), (19, 2), (19, 8)]


def test_what_reaches_beyond_the_image_is_cut_off():
    far = np.array([[-50.5, -20], [40, -20], [40, 6], [-50.5, 6]])
    for fill, rows in ((lambda: fill_borders([far], (10, 12)), 6), (lambda: fill_pixels(far, (10, 12)), 7)):
        expected = np.arange(10)[:, None] < np.full(12, rows)
        np.testing.assert_array_equal(whole(fill(), (10, 12)), expected)
    for beyond in (far - 200, far + 200):
        assert not fill_borders([beyond], (10, 12)).inside.any()
        assert not fill_pixels(beyond, (10, 12)).inside.any()


def test_what_is_no_number_is_refused():
    bad = np.array([[1, 2], [np.nan, 3], [4, 4]])
    for fill in (lambda: fill_borders([bad], (9, 9)), lambda: fill_pixels(bad, (9, 9))):
        with pytest.raises(ValueError, match="no number"):
            fill()
