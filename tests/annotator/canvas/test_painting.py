"""What a covered area does to a painted layer."""

import numpy as np
import pytest

from annotator.canvas.geometry import Coverage, disc, moved_disc, polygon
from annotator.canvas.painting import change

CAT, DOG, UNTOUCHED = 8, 12, 255


def layer_with_dog() -> np.ndarray:
    layer = np.full((20, 30), UNTOUCHED, np.uint8)
    layer[5:10, 5:10] = DOG
    return layer


def test_the_box_is_as_tight_as_the_change() -> None:
    layer = layer_with_dog()
    cover = np.zeros((20, 30), bool)
    cover[5:10, 5:20] = True
    edit = change(layer, (0, 0, 20, 30), cover, DOG)
    assert edit is not None
    assert edit.box == (5, 10, 10, 20)  # the dog that was there already is no change
    assert (edit.before == UNTOUCHED).all() and (edit.after == DOG).all()
    assert (layer == layer_with_dog()).all()


def test_pixels_of_the_box_that_are_not_covered_stay_as_they_were() -> None:
    layer = layer_with_dog()
    edit = change(layer, (0, 0, 20, 30), np.eye(20, 30, dtype=bool), CAT)
    assert edit is not None
    expected = layer.copy()
    expected[np.eye(20, 30, dtype=bool)] = CAT
    y0, x0, y1, x1 = edit.box
    layer[y0:y1, x0:x1] = edit.after
    assert (layer == expected).all()


def test_protected_classes_are_not_painted_over_but_untouched_pixels_are() -> None:
    cover = np.zeros((20, 30), bool)
    cover[7, :] = True
    edit = change(layer_with_dog(), (0, 0, 20, 30), cover, CAT, protect_others=True)
    assert edit is not None
    assert (edit.after[0, 5:10] == DOG).all()
    assert (edit.after[0, :5] == CAT).all() and (edit.after[0, 10:] == CAT).all()


def test_erasing_takes_every_class_even_when_others_are_protected() -> None:
    edit = change(layer_with_dog(), (0, 0, 20, 30), np.ones((20, 30), bool), UNTOUCHED, protect_others=True)
    assert edit is not None and edit.box == (5, 5, 10, 10)
    assert (edit.after == UNTOUCHED).all()


@pytest.mark.parametrize("value", [DOG, UNTOUCHED])
def test_a_stroke_that_changes_nothing_is_no_edit(value: int) -> None:
    cover = np.zeros((20, 30), bool)
    cover[6:8, 6:8] = value == DOG
    assert change(layer_with_dog(), (0, 0, 20, 30), cover, value) is None


@pytest.mark.parametrize("radius", [0.0, 0.5, 0.8, 3.3, 12.0])
def test_a_moved_brush_covers_the_pixels_within_its_radius_of_the_path(
    radius: float, rng: np.random.Generator
) -> None:
    shape = (30, 40)
    for _ in range(3):
        (ax, ay), (bx, by) = rng.uniform((-5, -5), (45, 35), (2, 2))
        covered = np.zeros(shape, bool)
        for (y0, x0, y1, x1), part in moved_disc((ax, ay), (bx, by), radius, shape):
            covered[y0:y1, x0:x1] |= part
        t = np.linspace(0, 1, 1001)
        path = np.stack([ay + (by - ay) * t, ax + (bx - ax) * t], axis=1)
        centres = np.stack(np.mgrid[0:30, 0:40], axis=-1) + 0.5
        distance = np.min(np.linalg.norm(centres[:, :, None] - path[::5], axis=-1), axis=2)
        sure = np.abs(distance - radius) > 0.2
        assert (covered[sure] >= (distance <= radius)[sure]).all()
        assert not covered[distance > max(radius, 0.71) + 0.2].any()
        under = [(int(y), int(x)) for y, x in path[::10] if 0 <= y < 30 and 0 <= x < 40]
        if radius >= 0.5:
            assert all(covered[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].any() for i, j in under)


def test_the_smallest_brush_paints_the_pixel_under_it() -> None:
    box, cover = disc((7.02, 3.97), 0.5, (10, 10))
    assert box[0] <= 3 < box[2] and box[1] <= 7 < box[3]
    assert cover[3 - box[0], 7 - box[1]] and cover.sum() == 1


def test_a_long_thin_line_costs_its_length() -> None:
    pieces = list(moved_disc((0.0, 0.0), (5999.0, 3999.0), 3.0, (4000, 6000)))
    assert sum(cover.size for _, cover in pieces) < 500_000


def test_a_polygon_covers_the_pixels_whose_centres_it_holds() -> None:
    box, cover = polygon([(2.0, 3.0), (12.0, 3.0), (12.0, 9.0), (2.0, 9.0)], (20, 20))
    whole = np.zeros((20, 20), bool)
    whole[box[0] : box[2], box[1] : box[3]] = cover
    expected = np.zeros((20, 20), bool)
    expected[3:9, 2:12] = True
    assert (whole == expected).all()


def test_a_polygon_agrees_with_a_point_in_polygon_test(rng: np.random.Generator) -> None:
    from skimage.measure import points_in_poly

    corners = rng.uniform(-4, 44, (9, 2))
    box, cover = polygon([tuple(c) for c in corners], (40, 40))
    whole = np.zeros((40, 40), bool)
    whole[box[0] : box[2], box[1] : box[3]] = cover
    centres = np.stack(np.mgrid[0:40, 0:40][::-1], axis=-1).reshape(-1, 2) + 0.5
    assert (whole.ravel() == points_in_poly(centres, corners)).all()


def test_a_cleared_coverage_is_empty_again() -> None:
    coverage = Coverage((50, 50))
    coverage.add_line((10.0, 10.0), (30.0, 20.0), 4.0)
    assert coverage.box == (6, 6, 25, 35)
    coverage.clear()
    assert coverage.box is None and not coverage.pixels.any()
