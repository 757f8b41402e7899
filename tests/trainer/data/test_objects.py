"""Objects of a mask: found, cut, joined, and given back by marks."""

import numpy as np
import pytest

from trainer.data.objects import automatic, cut, join, marks_for, narrowest, objects_of
from trainer.errors import DataError

CAT, DOG, SKY = 1, 2, 3


def untouched(mask):
    return np.full(mask.shape, 255, np.uint8)


def same(first, second):
    """Whether two numberings part pixels alike, whatever the numbers are."""
    pairs = set(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@pytest.fixture
def mask():
    """Two cats that touch by a neck of four pixels, a dog beside them, a lone cat, and void."""
    mask = np.zeros((40, 60), np.uint8)
    mask[5:25, 5:20] = mask[5:25, 24:40] = mask[12:16, 20:24] = CAT
    mask[25:30, 5:20] = DOG
    mask[32:36, 50:56] = CAT
    mask[0, 0] = 255
    return mask


def test_areas_are_objects_numbered_class_by_class_from_the_top(mask):
    objects = objects_of(mask)
    assert objects.labels == (CAT, CAT, DOG)
    assert objects.at(30, 10) == objects.at(8, 8) == 1 and objects.at(52.9, 33) == 2
    assert objects.at(8, 27) == 3 and objects.at(0, 0) == objects.at(59, 39) == objects.at(-1, 99) == 0
    assert [objects.number_in_class(n) for n in (1, 2, 3)] == [1, 2, 1]


def test_a_line_across_the_neck_cuts_and_every_pixel_keeps_an_object(mask):
    marks = cut(objects_of(mask), untouched(mask), [(22, 3), (22, 25)])
    objects = objects_of(mask, marks)
    assert objects.labels == (CAT, CAT, CAT, DOG)
    assert objects.at(8, 8) != objects.at(30, 10)
    assert ((objects.numbers > 0) == np.isin(mask, (CAT, DOG))).all()


def test_a_line_that_ends_inside_goes_on_to_the_edge(mask):
    marks = cut(objects_of(mask), untouched(mask), [(22, 13), (22, 14.5)])
    assert objects_of(mask, marks).labels.count(CAT) == 3


def test_a_diagonal_line_cuts_too(mask):
    marks = cut(objects_of(mask), untouched(mask), [(2, 2), (24, 29)])
    assert objects_of(mask, marks).labels.count(CAT) == 3


@pytest.mark.parametrize("line", [[(45, 2), (45, 30)], [(0, 0), (3, 39)], [(-20, -20), (-5, -9)]])
def test_a_line_beside_all_objects_cuts_nothing(mask, line):
    assert cut(objects_of(mask), untouched(mask), line) is None


def test_the_narrowest_place_is_found_at_a_click(mask):
    objects = objects_of(mask)
    line = narrowest(objects, 22, 14)
    marks = cut(objects, untouched(mask), line)
    assert objects_of(mask, marks).labels.count(CAT) == 3
    assert narrowest(objects, 59, 0) is None


def test_halves_are_joined_and_lone_ones_with_them_and_then_cut_again(mask):
    marks = cut(objects_of(mask), untouched(mask), [(22, 3), (22, 25)])
    objects = objects_of(mask, marks)
    left, lone = objects.at(8, 8), objects.at(52, 33)
    marks = join(objects, marks, [left, lone])
    objects = objects_of(mask, marks)
    assert objects.at(8, 8) == objects.at(52, 33) != objects.at(30, 10)
    marks = join(objects, marks, [objects.at(8, 8), objects.at(30, 10)])
    objects = objects_of(mask, marks)
    assert objects.labels == (CAT, DOG)
    marks = cut(objects, marks, [(22, 3), (22, 25)])
    assert objects_of(mask, marks).labels == (CAT, CAT, DOG)


def test_objects_of_two_classes_are_not_joined(mask):
    with pytest.raises(DataError, match="one class"):
        join(objects_of(mask), untouched(mask), [1, 3])


def test_automatic_takes_back_what_was_said_of_an_area(mask):
    marks = cut(objects_of(mask), untouched(mask), [(22, 3), (22, 25)])
    objects = objects_of(mask, marks)
    assert (automatic(mask, objects, marks, [objects.at(8, 8)]) == 255).all()


def test_marks_keep_their_sense_when_the_mask_changes(mask):
    marks = cut(objects_of(mask), untouched(mask), [(22, 3), (22, 25)])
    mask[2:5, 5:20] = CAT  # the left one grows
    mask[5:10, 24:40] = 0  # the right one shrinks
    objects = objects_of(mask, marks)
    assert objects.labels == (CAT, CAT, CAT, DOG) and objects.at(8, 3) == objects.at(8, 8)


def test_stuff_is_one_whatever_is_marked(mask):
    marks = cut(objects_of(mask), untouched(mask), [(22, 3), (22, 25)])
    assert objects_of(mask, marks, stuff={CAT}).labels == (CAT, DOG)


def test_marks_give_any_objects_back_to_the_pixel():
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = np.kron(rng.integers(0, 3, (5, 6)), np.ones((6, 7), int)).astype(np.uint8)
        numbers = np.kron(rng.integers(1, 6, (15, 14)), np.ones((2, 3), int)).astype(np.uint16)
        numbers = np.where(mask > 0, numbers + 5 * (mask == DOG), 0).astype(np.uint16)
        marks, left = marks_for(mask, numbers)
        assert left == 0 and same(objects_of(mask, marks).numbers, numbers)


def test_areas_need_no_marks(mask):
    assert marks_for(mask, objects_of(mask).numbers) == (None, 0)


def test_more_objects_than_marks_are_counted():
    mask = np.ones((20, 20), np.uint8)
    numbers = np.arange(1, 401, dtype=np.uint16).reshape(20, 20)
    marks, left = marks_for(mask, numbers)
    assert left == 400 - 253 and len(np.unique(marks)) == 254
