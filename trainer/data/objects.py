"""The objects of a mask: its connected areas, as far as a person has not cut or joined them.

What a person says of objects is a layer of marks, uint8 (H, W): 255 where nothing is said, else a number in
1…253. All pixels of a class with one number are one object; pixels without a number go to the nearest
numbered ones of their area. An area without any is one object. So marks keep their sense when the mask
changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trainer.data.classes import BACKGROUND, MAX_CLASSES, UNTOUCHED, VOID, labels_in
from trainer.errors import DataError
from trainer.translatable import translatable

Labels = NDArray[np.uint8]
Numbers = NDArray[np.uint16]
Points = Sequence[tuple[float, float]]
"""(x, y) in pixels."""

MOST_MARKS = MAX_CLASSES
AROUND = np.ones((3, 3), int)
"""Pixels that touch at a corner are connected."""
_ANGLES = 36
_LEAST_PIECE = 5  # pixels: what a cut splits off below that stays where it was


@dataclass(frozen=True, eq=False)
class Objects:
    """`numbers` (H, W), uint16, are 0 where there is none, else n for the n-th; `labels` are their classes.

    They are numbered class by class, those of a class from top to bottom.
    """

    numbers: Numbers
    labels: tuple[int, ...]

    def at(self, x: float, y: float) -> int:
        """Return the object at a point of the image, 0 for none."""
        row, column = int(np.floor(y)), int(np.floor(x))
        inside = 0 <= row < self.numbers.shape[0] and 0 <= column < self.numbers.shape[1]
        return int(self.numbers[row, column]) if inside else 0

    def number_in_class(self, number: int) -> int:
        """Return which object of its class one is, from 1."""
        return self.labels[:number].count(self.labels[number - 1])


def objects_of(mask: Labels, marks: Labels | None = None, stuff: Collection[int] = ()) -> Objects:
    """Return the objects of a mask (H, W), uint8; what there is of a class of `stuff` is one."""
    numbers, labels = np.zeros(mask.shape, np.uint16), list[int]()
    for label in labels_in(mask):
        if label in (BACKGROUND, VOID):
            continue
        inside = mask == label
        if label in stuff:
            found, count = inside.astype(np.int32), 1
        else:
            found, count = _objects_of_class(inside, marks)
        np.add(found, len(labels), out=numbers, where=inside, casting="unsafe")
        labels += [label] * count
    return Objects(numbers, tuple(labels))


def _objects_of_class(inside: NDArray[np.bool_], marks: Labels | None) -> tuple[NDArray[np.int32], int]:
    areas, count = ndimage.label(inside, structure=AROUND)
    if marks is None or (marks[inside] == UNTOUCHED).all():
        return areas, count
    groups = areas + UNTOUCHED  # above all marks
    for number, box in enumerate(ndimage.find_objects(areas), start=1):
        area = areas[box] == number
        marked = area & (marks[box] != UNTOUCHED)
        if not marked.any():
            continue
        if (area & ~marked).any():
            nearest = ndimage.distance_transform_edt(~marked, return_distances=False, return_indices=True)
            groups[box][area] = marks[box][tuple(nearest)][area]
        else:
            groups[box][area] = marks[box][area]
    found, first = np.unique(groups[inside], return_index=True)
    table = np.zeros(int(found.max()) + 1, np.int32)
    table[found[np.argsort(first)]] = np.arange(1, len(found) + 1)
    result = np.zeros_like(groups)
    result[inside] = table[groups[inside]]
    return result, len(found)


def marks_for(mask: Labels, numbers: Numbers) -> tuple[Labels | None, int]:
    """Return the marks that give a mask the objects of a data set, None where its areas are those already.

    `numbers` are 0 where nothing is said. The second value is how many objects stay as they are found, since
    there are more of a class than marks.
    """
    areas = objects_of(mask).numbers.astype(np.uint32)
    told = (areas > 0) & (numbers > 0)
    pairs = _values(np.where(told, areas << 16 | numbers, 0))[1:]
    area, number = pairs >> 16, pairs & 0xFFFF
    several = np.isin(area, _repeated(area)) | np.isin(number, _repeated(number))
    if not several.any():
        return None, 0
    marks, used, left = np.full(mask.shape, UNTOUCHED, np.uint8), dict[int, int](), 0
    for each in np.unique(number[several]):
        pixels = told & (numbers == each)
        for label in labels_in(mask[pixels]):
            used[label] = mark = used.get(label, 0) + 1
            if mark > MOST_MARKS:
                left += 1
            else:
                marks[pixels & (mask == label)] = mark
    return marks, left


def join(objects: Objects, marks: Labels, chosen: Collection[int]) -> Labels:
    """Return the marks under which objects of one class are one. Raises `DataError`."""
    if len({objects.labels[number - 1] for number in chosen}) > 1:
        raise DataError(translatable("only objects of one class can be joined"))
    pixels = np.isin(objects.numbers, list(chosen))
    held = [mark for mark in labels_in(marks[pixels]) if mark != UNTOUCHED]
    # A mark that an object beyond them has as well would join that, too.
    free = [mark for mark in held if not (marks[~pixels] == mark).any()]
    return np.where(pixels, np.uint8(free[0] if free else _unused(marks, 1)[0]), marks)


def automatic(mask: Labels, objects: Objects, marks: Labels, chosen: Collection[int]) -> Labels:
    """Return the marks without those of all areas that objects have a part in."""
    label = objects.labels[next(iter(chosen)) - 1]
    areas, _ = ndimage.label(mask == label, structure=AROUND)
    touched = np.unique(areas[np.isin(objects.numbers, list(chosen))])
    return np.where(np.isin(areas, touched[touched > 0]), np.uint8(UNTOUCHED), marks)


def cut(objects: Objects, marks: Labels, line: Points) -> Labels | None:
    """Return the marks under which a line cuts the object in two that most of it lies on.

    Where it begins or ends inside the object it goes on straight to its edge. None where it cuts nothing.
    """
    rows, columns = _pixels(line, objects.numbers.shape)
    over = objects.numbers[rows, columns]
    if not over.any():
        return None
    chosen = int(np.bincount(over[over > 0]).argmax())
    inside = objects.numbers == chosen
    rows, columns = _pixels(_lengthened(line, inside), inside.shape)
    wall = np.zeros_like(inside)
    wall[rows, columns] = True
    wall &= inside
    pieces, count = ndimage.label(inside & ~wall, structure=AROUND)
    beside = pieces[ndimage.binary_dilation(wall, AROUND)]
    touched = [n for n in np.unique(beside).tolist() if n]
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    touched = sorted((n for n in touched if sizes[n] >= _LEAST_PIECE), key=lambda n: -sizes[n])
    if len(touched) < 2:
        return None
    groups = np.zeros(count + 1, np.int32)  # what is not split off stays with the largest piece
    groups[touched] = range(len(touched))
    nearest = ndimage.distance_transform_edt(
        ~np.isin(pieces, touched) | wall, return_distances=False, return_indices=True
    )
    piece = np.where(wall, groups[pieces[tuple(nearest)]], groups[pieces])
    new = np.array(_unused(marks, len(touched)), np.uint8)
    return np.where(inside, new[piece], marks)


def narrowest(objects: Objects, x: float, y: float) -> Points | None:
    """Return the shortest line across the object at a point, through it; None where there is no object."""
    number = objects.at(x, y)
    if not number:
        return None
    inside = objects.numbers == number
    best: tuple[float, Points] | None = None
    for angle in np.pi * np.arange(_ANGLES) / _ANGLES:
        step = float(np.cos(angle)), float(np.sin(angle))
        start, end = _edge(inside, (x, y), (-step[0], -step[1])), _edge(inside, (x, y), step)
        length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
        if best is None or length < best[0]:
            best = length, (start, end)
    assert best is not None
    return best[1]


def _values(values: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return the values that occur, ascending, and 0 even where it does not.

    They are few, and mostly one like the one before: that is faster than sorting all.
    """
    flat = values.ravel()
    starts = np.concatenate([[0], flat[1:][flat[1:] != flat[:-1]], flat[:1]])
    return np.unique(starts).astype(np.int64)


def _repeated(values: NDArray) -> NDArray:
    found, counts = np.unique(values, return_counts=True)
    return found[counts > 1]


def _unused(marks: Labels, count: int) -> list[int]:
    used = set(labels_in(marks))
    free = [mark for mark in range(1, MOST_MARKS + 1) if mark not in used]
    if len(free) < count:
        raise DataError(translatable("this photo has too many objects that were cut or joined by hand"))
    return free[:count]


def _lengthened(line: Points, inside: NDArray[np.bool_]) -> Points:
    points = np.asarray(line, float)
    if len(points) < 2:
        return line
    ends = []
    for end, away in ((points[0], points), (points[-1], points[::-1])):
        far = next((p for p in away if np.hypot(*(p - end)) >= 4), away[-1])
        direction, length = end - far, float(np.hypot(*(end - far)))
        step = direction / length if length else np.zeros(2)
        ends.append(_edge(inside, (float(end[0]), float(end[1])), (float(step[0]), float(step[1]))))
    return [ends[0], *map(tuple, points.tolist()), ends[1]]


def _edge(
    inside: NDArray[np.bool_], start: tuple[float, float], step: tuple[float, float]
) -> tuple[float, float]:
    """Return the first point outside, going from `start` in steps of a pixel; at the border the last one."""
    steps = np.arange(0, 1 + int(np.hypot(*inside.shape)))
    x, y = start[0] + steps * step[0], start[1] + steps * step[1]
    columns, rows = np.floor(x).astype(int), np.floor(y).astype(int)
    within = (columns >= 0) & (rows >= 0) & (columns < inside.shape[1]) & (rows < inside.shape[0])
    held = np.zeros(len(steps), np.bool_)
    held[within] = inside[rows[within], columns[within]]
    last = int(np.argmin(held)) if not held.all() else len(steps) - 1
    return float(x[last]), float(y[last])


def _pixels(line: Points, shape: tuple[int, ...]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return rows and columns of the pixels on a line, of which each shares a side with the next."""
    rows, columns = list[int](), list[int]()
    points = [(int(np.floor(y)), int(np.floor(x))) for x, y in line]
    for (r0, c0), (r1, c1) in zip(points, points[1:] or points, strict=False):
        count = max(abs(r1 - r0), abs(c1 - c0), 1)
        r = np.rint(np.linspace(r0, r1, count + 1)).astype(int)
        c = np.rint(np.linspace(c0, c1, count + 1)).astype(int)
        # At a diagonal step the pixel beside it as well.
        rows += np.stack([r, np.append(r[1:], r[-1])], axis=1).ravel().tolist()
        columns += np.stack([c, c], axis=1).ravel().tolist()
    found = np.array([rows, columns])
    found = found[:, (found >= 0).all(axis=0) & (found[0] < shape[0]) & (found[1] < shape[1])]
    return found[0], found[1]
