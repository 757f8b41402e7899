"""Strokes for the object in a box: well inside it, of one class, none where the box ends."""

import numpy as np

from trainer.method.object_in_box import core, strokes_for_box
from trainer.method.strokes import Box, StrokeModel


def test_a_box_around_an_object_gives_strokes_inside_of_it_alone() -> None:
    image = np.full((120, 160, 3), (40, 90, 50), np.uint8)
    y, x = np.mgrid[:120, :160]
    disc = (y - 60) ** 2 + (x - 70) ** 2 <= 30**2
    image[disc] = (220, 60, 40)
    model = StrokeModel.bundled()
    photo = model.embed(image)
    nothing, untouched = np.zeros((120, 160), np.uint8), np.full((120, 160), 255, np.uint8)
    strokes = strokes_for_box(model, photo, nothing, untouched, Box(26, 36, 94, 104), 3)
    assert (strokes == 3).any() and disc[strokes == 3].all()
    assert not (strokes == 0).any()
    mask = model.refine(photo, nothing, strokes)
    assert ((mask == 3) & disc).sum() / ((mask == 3) | disc).sum() > 0.9


def test_of_two_objects_that_are_alike_a_box_takes_the_one_in_it() -> None:
    image = np.full((120, 240, 3), (40, 90, 50), np.uint8)
    y, x = np.mgrid[:120, :240]
    first, second = ((y - 60) ** 2 + (x - centre) ** 2 <= 30**2 for centre in (60, 160))
    image[first | second] = (220, 60, 40)
    model = StrokeModel.bundled()
    photo = model.embed(image)
    nothing, untouched = np.zeros((120, 240), np.uint8), np.full((120, 240), 255, np.uint8)
    mask = model.refine(
        photo, nothing, strokes_for_box(model, photo, nothing, untouched, Box(28, 28, 92, 92), 3)
    )
    assert (mask[first] == 3).mean() > 0.9 and (mask[second] == 3).mean() < 0.1


def test_the_core_of_a_thin_area_is_part_of_it_and_of_nothing_is_nothing() -> None:
    area = np.zeros((700, 900), bool)
    assert not core(area).any()
    area[350:353, 20:880] = True
    inside = core(area)
    assert inside.any() and area[inside].all()
