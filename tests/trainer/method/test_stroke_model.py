"""Strokes answered by the network that ships, on real photos: what an annotator may rely on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from trainer.method import strokes
from trainer.method.strokes import (
    Box,
    Painted,
    PhotoEmbedding,
    StrokeModel,
    classes_of,
    closer_box,
    coverage,
    few_threads,
    working_size,
)
from trainer.models.stroke_net import Embedded, Rough

MODEL = StrokeModel.bundled()


def dabs(size: Sequence[int], *places: tuple[int, int, int], radius: int = 6) -> np.ndarray:
    """Corrections with discs: rows, columns, labels."""
    corrections = np.full(size, 255, np.uint8)
    y, x = np.ogrid[: size[0], : size[1]]
    for row, column, label in places:
        corrections[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = label
    return corrections


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.fixture(scope="module")
def astronaut() -> PhotoEmbedding:
    """The astronaut, 256×256."""
    return MODEL.embed(np.ascontiguousarray(skimage.data.astronaut()[::2, ::2]))


@pytest.fixture(scope="module")
def automatic() -> np.ndarray:
    """A rough automatic mask of it: class 1 where the person is, class 2 in a corner of the wall."""
    mask = np.zeros((256, 256), np.uint8)
    mask[10:90, 80:145], mask[90:, 20:180], mask[:30, 220:] = 1, 1, 2
    return mask


# -- Parts --------------------------------------------------------------------------------------------------


def test_coverage_is_the_share_of_each_cell() -> None:
    corrections = np.full((8, 12), 255, np.uint8)
    corrections[0:2, 0:4], corrections[4:8, 4:6], corrections[7, 11] = 3, 0, 5
    found = coverage(Painted.of(corrections), [3, 5], Box(0, 0, 8, 12), (2, 3)).numpy()
    np.testing.assert_allclose(found[0, 0], [[0.5, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(found[0, 1], [[0, 0, 0], [0, 0.5, 1 / 16]])
    np.testing.assert_allclose(found[1, 0], [[0, 0, 0], [0, 0, 1 / 16]])
    np.testing.assert_allclose(found[1, 1], [[0.5, 0, 0], [0, 0.5, 0]])


def test_coverage_of_a_part_of_the_photo_and_of_cells_smaller_than_a_pixel(rng: np.random.Generator) -> None:
    corrections = rng.choice(np.uint8([255, 0, 1]), (40, 60))
    box = Box(8, 20, 32, 56)
    part = corrections[box.slices]
    found = coverage(Painted.of(corrections), [1], box, (6, 9)).numpy()[0]
    for sign, label in enumerate((1, 0)):
        expected = (part == label).reshape(6, 4, 9, 4).mean((1, 3))
        np.testing.assert_allclose(found[sign], expected, rtol=1e-6)
    tiny = coverage(Painted.of(corrections[:2, :2]), [1], Box(0, 0, 2, 2), (8, 8))
    assert tiny.max() <= 1 and (tiny[0, 0] > 0).sum() == (corrections[:2, :2] == 1).sum()


def test_classes_are_those_of_mask_and_strokes_without_background_and_void() -> None:
    assert classes_of(None, np.uint8([])) == []
    assert classes_of(np.uint8([[0, 7, 255]]), np.uint8([0, 3, 3])) == [3, 7]


@pytest.mark.parametrize("size", [(300, 451), (9, 40), (1, 1), (4000, 6000)])
def test_the_network_sees_sides_that_are_multiples_of_sixteen(size: tuple[int, int]) -> None:
    seen = working_size(size)
    assert max(seen) == 384 and all(side % 16 == 0 and side > 0 for side in seen)
    assert abs(seen[0] - seen[1] * size[0] / size[1]) <= 16


def test_a_closer_look_holds_the_object_with_a_margin_and_seldom_moves() -> None:
    area = np.zeros((60, 80), bool)
    assert closer_box(area, (600, 800)) is None
    area[20:30, 30:50] = True
    box = closer_box(area, (600, 800))
    assert box is not None
    assert box.top <= 200 - 30 and box.bottom >= 300 + 30 and box.left <= 300 - 30 and box.right >= 500 + 30
    assert max(box.size) < 0.8 * 800
    area[:, 30] = False
    assert closer_box(area, (600, 800)) == box
    large = closer_box(area, (2400, 3200))
    assert large is not None and np.abs(np.subtract(large, 4 * np.array(box))).max() <= 2
    area[:, 5:75] = True
    assert closer_box(area, (600, 800)) is None


def test_thread_count_is_as_before_afterwards_even_after_an_error() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ZeroDivisionError), few_threads():
            assert torch.get_num_threads() <= 2
            raise ZeroDivisionError
        assert torch.get_num_threads() == 2
        MODEL.embed(np.zeros((20, 30, 3), np.uint8))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# -- Masks --------------------------------------------------------------------------------------------------


def test_strokes_are_kept_to_the_pixel_and_of_several_classes_each_takes_its_object(
    astronaut: PhotoEmbedding, automatic: np.ndarray
) -> None:
    corrections = dabs((256, 256), (75, 112, 1), (180, 60, 7), (60, 60, 0), (5, 5, 9))
    corrections[250, 250] = 2
    for given in (None, automatic):
        mask = MODEL.refine(astronaut, given, corrections)
        assert mask.shape == (256, 256) and mask.dtype == np.uint8
        painted = corrections != 255
        assert (mask[painted] == corrections[painted]).all()
        assert set(np.unique(mask).tolist()) <= {0, 1, 2, 7, 9}
        assert mask[40, 115] == 1 and mask[200, 60] == 7 and mask[60, 160] == 0


def test_a_glimpse_of_a_class_is_nearly_what_the_mask_shows(
    astronaut: PhotoEmbedding, automatic: np.ndarray
) -> None:
    corrections = dabs((256, 256), (75, 112, 1), (60, 60, 0))
    seen = MODEL.glimpse(astronaut, automatic, corrections, 1)
    assert iou(seen, MODEL.refine(astronaut, automatic, corrections) == 1) > 0.8
    assert seen[75, 112] and not seen[60, 60]


def test_the_mask_depends_on_the_corrections_alone(automatic: np.ndarray) -> None:
    """Not on their order, nor what was asked before or at the same time; so undo restores every pixel."""
    image = np.ascontiguousarray(skimage.data.astronaut()[::2, ::2])
    places = [(75, 112, 1), (60, 60, 0), (20, 240, 2), (130, 160, 1)]
    states = [dabs((256, 256), *places[: count + 1]) for count in range(len(places))]
    fresh = [MODEL.refine(MODEL.embed(image), automatic, state) for state in states]
    photo = MODEL.embed(image)
    for order in (reversed(range(4)), (2, 2, 0)):
        for index in order:
            assert (MODEL.refine(photo, automatic, states[index]) == fresh[index]).all()
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(lambda state: MODEL.refine(photo, automatic, state), states))
    assert all((one == other).all() for one, other in zip(at_once, fresh, strict=True))


def test_without_strokes_the_mask_is_the_proposals(astronaut: PhotoEmbedding, automatic: np.ndarray) -> None:
    untouched = np.full((256, 256), 255, np.uint8)
    proposed = MODEL.propose(astronaut, automatic)
    assert (MODEL.refine(astronaut, automatic, untouched) == proposed).all()
    assert set(np.unique(proposed).tolist()) <= {0, 1, 2}
    assert not MODEL.propose(astronaut, np.zeros((256, 256), np.uint8)).any()
    assert not MODEL.refine(astronaut, None, untouched).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (40, 9)])
def test_photos_of_any_size_are_answered(size: tuple[int, int]) -> None:
    image = np.resize(skimage.data.astronaut(), (*size, 3))
    corrections = np.full(size, 255, np.uint8)
    corrections[0, 0] = 200
    assert MODEL.refine(MODEL.embed(image), None, corrections)[0, 0] == 200


def test_one_dab_takes_an_object_of_a_class_that_nobody_has_learnt(astronaut: PhotoEmbedding) -> None:
    head = np.zeros((256, 256), bool)
    y, x = np.ogrid[:256, :256]
    head[((y - 50) / 43) ** 2 + ((x - 113) / 36) ** 2 <= 1] = True
    mask = MODEL.refine(astronaut, None, dabs((256, 256), (30, 105, 42), radius=3))
    assert set(np.unique(mask).tolist()) == {0, 42} and iou(mask == 42, head) > 0.75


@pytest.mark.parametrize(
    "name, places",
    [
        ("astronaut", [(150, 225, 1), (350, 200, 1), (60, 60, 0)]),
        ("chelsea", [(150, 220, 1), (40, 400, 0)]),
        ("coffee", [(180, 300, 1), (50, 50, 0)]),
    ],
)
def test_a_photo_enlarged_four_times_gives_the_same_mask_enlarged(
    name: str, places: list[tuple[int, int, int]]
) -> None:
    image = getattr(skimage.data, name)()
    height, width = image.shape[:2]
    corrections = dabs((height, width), *places, radius=8)
    mask = MODEL.refine(MODEL.embed(image), None, corrections) == 1
    large = np.asarray(Image.fromarray(image).resize((4 * width, 4 * height), Image.Resampling.BICUBIC))
    fourfold = np.ones((4, 4), np.uint8)
    of_large = MODEL.refine(MODEL.embed(large), None, np.kron(corrections, fourfold)) == 1
    assert 0.1 < mask.mean() < 0.9
    assert iou(of_large, np.kron(mask, fourfold) > 0) >= 0.985


def test_a_small_object_is_looked_at_closer(
    astronaut: PhotoEmbedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is seen closer is kept for the next stroke, and of many looks the last ones."""
    photo = MODEL.embed(astronaut.image)
    looked = dabs((256, 256), (30, 105, 1), radius=3)
    mask = MODEL.refine(photo, None, looked)
    assert len(photo.closer) == 1
    coarse = StrokeModel(strokes.load_stroke_net(strokes.BUNDLED_STROKES), closer=False)
    assert 0.8 < iou(mask == 1, coarse.refine(photo, None, looked) == 1) < 1
    monkeypatch.setattr(strokes, "_KEPT", 2)
    for row, column in ((20, 20), (200, 230), (230, 20)):
        MODEL.refine(photo, None, dabs((256, 256), (row, column, 1), radius=3))
    assert len(photo.closer) <= 2
    photo.forget_parts()
    assert not photo.closer and (MODEL.refine(photo, None, looked) == mask).all()


def test_a_rougher_mask_comes_before_the_first_look_at_a_part_of_the_photo(astronaut: PhotoEmbedding) -> None:
    photo, looked = MODEL.embed(astronaut.image), dabs((256, 256), (30, 105, 1), radius=3)
    rough, final = MODEL.answers(photo, None, looked)
    assert 0.8 < iou(rough == 1, final == 1) < 1 and (rough[looked == 1] == 1).all()
    assert (final == MODEL.refine(MODEL.embed(astronaut.image), None, looked)).all()
    (again,) = MODEL.answers(photo, None, looked)
    assert (again == final).all(), "the part is known by now"


@pytest.mark.parametrize("closer_logit, takes", [(2.0, False), (4.0, True)])
def test_a_closer_look_takes_a_pixel_from_another_class_only_by_a_larger_logit(
    closer_logit: float, takes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the whole photo class 2 wins by 3 all around a small object of class 1; the closer look at that
    object answers the same everywhere.
    """
    model = StrokeModel(strokes.load_stroke_net(strokes.BUNDLED_STROKES))
    photo = model.embed(np.zeros((256, 256, 3), np.uint8))
    object_ = np.s_[32:56, 32:56]  # of 96 cells a side

    def rough(maps: Embedded, *_: torch.Tensor) -> Rough:
        cells = maps.base.shape[-2:]
        if maps is not photo.whole:
            return Rough(torch.full((1, 1, *cells), closer_logit), torch.zeros(1, 48, *cells))
        logits = torch.stack([torch.full(cells, -1.0), torch.full(cells, 3.0)])
        logits[0][object_], logits[1][object_] = 1.0, -3.0
        return Rough(logits[:, None], torch.zeros(2, 48, *cells))

    monkeypatch.setattr(model._net, "rough", rough)
    monkeypatch.setattr(model._net, "finish", lambda _, rough: torch.kron(rough.logits, torch.ones(2, 2)))
    mask = model.refine(photo, None, dabs((256, 256), (117, 117, 1), (240, 240, 2), radius=3))
    assert len(photo.closer) == 1, "class 2 fills the photo: there is nothing closer to see of it"
    assert (mask[92:142, 92:142] == 1).all(), "the object stays"
    assert (mask[75:80, 75:160] == (1 if takes else 2)).all(), "beside it, inside the closer look"
    assert (mask[:40] == 2).all(), "outside the closer look nothing changes"


# -- Floods -------------------------------------------------------------------------------------------------


def test_a_stroke_in_the_hair_does_not_flood_the_wall() -> None:
    photo = MODEL.embed(skimage.data.astronaut())
    corrections = np.full((512, 512), 255, np.uint8)
    corrections[55:61, 190:230] = 1
    alone = MODEL.refine(photo, None, corrections) == 1
    assert alone[20:120, 180:260].mean() > 0.8, "the hair is taken"
    body = np.zeros((512, 512), np.uint8)
    body[260:, 60:330] = 1  # right before, and far from the stroke
    with_body = MODEL.refine(photo, body, corrections) == 1
    for mask in (alone, with_body):
        assert mask[:200, :90].sum() == 0 and mask[:150, 330:].sum() == 0, "the wall is not"
    before = MODEL.propose(photo, body) == 1
    assert iou(with_body[300:], before[300:]) > 0.95


@pytest.fixture
def cows(shared: Path) -> Path:
    """The folder of MSRC's photos."""
    return shared / "data" / "msrc"


def cow(folder: Path, name: str) -> tuple[PhotoEmbedding, np.ndarray]:
    """The photo, and its label map in which cows are 10."""
    with Image.open(folder / "JPEGImages" / f"{name}.jpg") as photo:
        embedding = MODEL.embed(np.asarray(photo.convert("RGB")))
    with Image.open(folder / "SegmentationClass" / f"{name}.png") as labels:
        return embedding, np.asarray(labels)


def test_a_dab_on_a_cows_head_does_not_flood_the_meadow(cows: Path) -> None:
    photo, truth = cow(cows, "1_8_s")
    mask = MODEL.refine(photo, None, dabs(truth.shape, (108, 37, 10), radius=3)) == 10
    assert mask[85:120, 40:110].mean() > 0.8, "the cow is taken"
    assert mask[truth == 0].mean() < 0.01


def test_a_background_stroke_that_spills_over_the_belly_leaves_the_cow(cows: Path) -> None:
    photo, truth = cow(cows, "5_27_s")
    automatic = np.where(truth == 10, 10, 0).astype(np.uint8)
    before = MODEL.propose(photo, automatic) == 10
    corrections = np.full(truth.shape, 255, np.uint8)
    for column in range(162, 184):
        bottom = np.flatnonzero(truth[:, column] == 10).max()
        corrections[bottom - 2 : bottom + 12, column] = 0
    mask = MODEL.refine(photo, automatic, corrections) == 10
    lost = before & (truth == 10) & ~mask & (corrections == 255)
    assert lost.sum() < 0.005 * before.sum()
    assert iou(mask, truth == 10) > iou(before, truth == 10) - 0.005


@pytest.mark.parametrize("blob", [np.s_[130:200, 20:60], np.s_[3:30, 200:300]])
def test_a_background_stroke_clears_the_false_blob_it_crosses(cows: Path, blob: tuple[slice, slice]) -> None:
    photo, truth = cow(cows, "5_27_s")
    automatic = np.where(truth == 10, 10, 0).astype(np.uint8)
    right = MODEL.propose(photo, automatic) == 10
    automatic[blob] = 10
    corrections = np.full(truth.shape, 255, np.uint8)
    middle = (blob[0].start + blob[0].stop) // 2
    corrections[middle - 3 : middle + 3, blob[1]] = 0
    mask = MODEL.refine(photo, automatic, corrections) == 10
    assert mask[blob].mean() < 0.01
    assert iou(mask, right) > 0.97
