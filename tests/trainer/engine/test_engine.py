"""Proposals for real photos: what a caller of the engine gets, and what it may rely on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import torch
from bright_segmenter import BrightSegmenter
from torch.nn.modules.module import register_module_forward_pre_hook

from trainer.data.classes import ClassList
from trainer.engine import Engine, Models
from trainer.errors import DataError
from trainer.method.settings import Settings
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone
from trainer.models.base import Backbone
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.proposal import disagreement

CLASSES = ClassList(("cat", "coffee", "rocket"))


@pytest.fixture
def engine() -> Engine:
    """An engine with random weights that sees photos at a long side of at most 128 pixels."""
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("resnet18"), len(CLASSES))
    with torch.no_grad():
        classifier.head.weight.abs_()  # so that every class has a CAM
    affinity = AffinityNet(classifier.backbone)
    return Engine(Models(CLASSES, classifier, affinity), Settings(max_side=128))


@pytest.fixture
def photo() -> np.ndarray:
    """The cat, 300×451."""
    return skimage.data.chelsea()


@pytest.fixture
def segmenting(engine: Engine) -> Engine:
    """The engine with a segmentation network in use, to which bright pixels are a cat."""
    engine.replace_models(segmentation=BrightSegmenter(1, len(CLASSES)))
    engine.settings = replace(engine.settings, segmentation=True)
    return engine


@pytest.fixture
def halves(rng: np.random.Generator) -> np.ndarray:
    """96×128: dark on the left, bright on the right, with some grain."""
    image = rng.integers(0, 40, (96, 128, 3), np.uint8)
    image[:, 64:] += 200
    return image


@contextmanager
def inputs_of_networks() -> Iterator[list[tuple[int, ...]]]:
    """The shapes of what any backbone or segmentation network is given inside the block."""
    shapes: list[tuple[int, ...]] = []

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, Backbone | SegmentationNet):
            shapes.append(tuple(inputs[0].shape))

    hook = register_module_forward_pre_hook(note)
    try:
        yield shapes
    finally:
        hook.remove()


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("size", [(300, 451), (64, 64), (9, 40), (1, 1)])
def test_a_proposal_has_the_size_of_its_image_whatever_that_is(
    engine: Engine, photo: np.ndarray, size: tuple[int, int], fast: bool
) -> None:
    image = photo[: size[0], : size[1]]
    proposal = engine.propose(image, ["rocket", "cat"], fast)
    assert proposal.classes == (3, 1)
    assert proposal.cams.shape == (2, *size) and proposal.cams.dtype == np.float32
    assert proposal.cams.min() >= 0 and proposal.cams.max() <= 1
    for labels, allowed in ((proposal.seeds, {0, 1, 3, 255}), (proposal.mask, {0, 1, 3})):
        assert labels.shape == size and labels.dtype == np.uint8
        assert set(np.unique(labels).tolist()) <= allowed
    assert 0 <= proposal.margin <= 1
    assert proposal.fast is fast and proposal.note == ""


def test_tags_are_names_or_ids_and_the_same_call_gives_the_same_proposal(
    engine: Engine, photo: np.ndarray
) -> None:
    first, second = engine.propose(photo, ["coffee"]), engine.propose(photo, [2])
    again = Engine(engine.models, engine.settings).propose(photo, (tag for tag in ["coffee", "coffee"]))
    for other in (second, again):
        assert other.classes == first.classes == (2,)
        assert (other.mask == first.mask).all() and (other.seeds == first.seeds).all()
        assert (other.cams == first.cams).all() and other.margin == first.margin


def test_a_correction_is_useful_where_masks_from_cams_alone_and_after_propagation_differ() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[:5] = 1
    assert disagreement(mask, mask, (1,)) == 0
    other = mask.copy()
    other[:, 5:] = 0
    assert disagreement(mask, other, (1,)) == pytest.approx(1 - (50 / 75 + 25 / 50) / 2)
    assert disagreement(mask, mask, (1, 2)) == pytest.approx(1 / 3), "neither shows a class that is there"
    assert disagreement(np.zeros_like(mask), np.zeros_like(mask), (3,)) == 0.5


def test_equal_networks_settings_and_tags_are_one_origin(engine: Engine) -> None:
    again = Engine(deepcopy(engine.models), replace(engine.settings))
    assert again.origin(["cat"]) == engine.origin(["cat"])
    origins = {engine.origin(["cat"]), engine.origin(["coffee"]), engine.origin([])}
    engine.settings = replace(engine.settings, mode="mean")
    origins.add(engine.origin(["cat"]))
    engine.replace_models(affinity=None)
    origins.add(engine.origin(["cat"]))
    assert len(origins) == 5


@pytest.mark.parametrize("tag", ["dog", 0, 4, 255])
def test_a_tag_outside_the_class_list_is_refused(engine: Engine, photo: np.ndarray, tag: str | int) -> None:
    with pytest.raises(DataError, match=str(tag)):
        engine.propose(photo, [tag])


def test_an_image_without_tags_is_background_until_somebody_paints(engine: Engine, photo: np.ndarray) -> None:
    proposal = engine.propose(photo, [])
    assert proposal.cams.shape == (0, 300, 451)
    assert not proposal.mask.any() and not proposal.seeds.any() and proposal.margin == 0
    corrections = np.full((300, 451), 255, np.uint8)
    corrections[100:200, 150:300] = 1
    assert (proposal.refine(corrections)[100:200, 150:300] == 1).all()


def test_strokes_win_untagged_classes_come_in_and_undo_restores_every_pixel(
    engine: Engine, photo: np.ndarray
) -> None:
    proposal = engine.propose(photo, ["cat"])
    untouched = np.full((300, 451), 255, np.uint8)
    assert (proposal.refine(untouched) == proposal.mask).all()
    painted = untouched.copy()
    painted[20:60, 30:90] = 0
    painted[150:200, 200:260] = 1
    painted[250:290, 400:440] = 3
    mask = proposal.refine(painted)
    assert (mask[painted != 255] == painted[painted != 255]).all()
    assert (proposal.refine(untouched) == proposal.mask).all()


def test_strokes_leave_no_specks_but_those_that_were_painted(engine: Engine, photo: np.ndarray) -> None:
    class Specky:
        """Answers each stroke with specks."""

        def answers(
            self, _: object, automatic: np.ndarray, corrections: np.ndarray, sketch: bool
        ) -> Iterator[np.ndarray]:
            mask = np.zeros_like(automatic)
            mask[40:120, 40:140] = 1
            mask[60:63, 60:63] = 0
            mask[10:13, 10:13] = mask[10:13, 40:43] = 1
            yield np.where(corrections != 255, corrections, mask)

    proposal = replace(engine.propose(photo, ("cat",)), stroke_model=Specky(), smallest_part=0.001)
    corrections = np.full(photo.shape[:2], 255, np.uint8)
    corrections[11, 11] = corrections[5, 200] = 1  # in one of the specks, and where there is none
    mask = proposal.refine(corrections)
    assert (mask[40:120, 40:140] == 1).all(), "a hole is closed"
    assert (mask[10:13, 10:13] == 1).all() and mask[5, 200] == 1, "what was painted stays"
    assert not mask[10:13, 40:43].any(), "a speck goes"
    assert (proposal.refine(np.full_like(corrections, 255)) == proposal.mask).all()


def test_one_proposal_serves_many_threads(engine: Engine, photo: np.ndarray) -> None:
    proposal = engine.propose(photo, ["cat"])
    strokes = []
    for place in range(8):
        stroke = np.full((300, 451), 255, np.uint8)
        stroke[30 * place : 30 * place + 25, 50:200] = place % 2
        strokes.append(stroke)
    one_by_one = [proposal.refine(stroke) for stroke in strokes]
    again = engine.propose(photo, ["cat"])
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(again.refine, strokes))
    assert all((a == b).all() for a, b in zip(one_by_one, at_once, strict=True))


def test_the_networks_never_see_more_than_they_should_and_nothing_twice(
    engine: Engine, photo: np.ndarray
) -> None:
    large = np.tile(photo, (4, 3, 1))
    engine.settings = replace(engine.settings, scales=(1.0, 0.5))
    with inputs_of_networks() as seen:
        engine.propose(large, ["cat"], fast=True)
        assert {max(shape[2:]) for shape in seen} == {128}
        seen.clear()
        engine.propose(large, ["cat"])
        assert [max(shape[2:]) for shape in seen] == [64]
        seen.clear()
        engine.settings = replace(engine.settings, alpha=3.0, steps=8, alpha_low=2.0)
        engine.propose(large.copy(), ["cat"])
        assert seen == []


def test_sliders_move_the_seeds(engine: Engine, photo: np.ndarray) -> None:
    proposal = engine.propose(photo, ["cat"], fast=True)
    settings = engine.settings
    same = proposal.reseed(settings.alpha_low, settings.alpha_high, settings.threshold)
    assert (same == proposal.seeds).all()
    assert not (proposal.reseed(1.0, 4.0, threshold=1.0) == 1).any()
    few, many = ((proposal.reseed(low, 64.0, 0.0) == 1).sum() for low in (0.02, 32.0))
    assert few < many
    background = [(proposal.reseed(0.5, high, 0.0) == 0).sum() for high in (0.02, 1.0, 16.0)]
    assert background == sorted(background, reverse=True) and background[0] > background[-1]


def test_without_an_affinity_net_the_mask_follows_the_classifiers_features_and_says_so(
    engine: Engine,
) -> None:
    engine.replace_models(affinity=None)
    # Left half red, right half blue, with some grain: an edge that any features see.
    image = np.random.default_rng(0).integers(0, 40, (96, 128, 3), np.uint8)
    image[:, :64, 0] += 200
    image[:, 64:, 2] += 200
    proposal = engine.propose(image, ["cat"])
    assert "No AffinityNet" in proposal.note
    features = engine.features(engine.taps(image), None)
    apart = (features[:, 6, 7] - features[:, 6, 9]).abs().mean()
    together = (features[:, 6, 5] - features[:, 6, 7]).abs().mean()
    assert apart > together


def test_a_class_the_classifier_has_not_learnt_lives_from_strokes(engine: Engine, photo: np.ndarray) -> None:
    engine.replace_models(classes=CLASSES.with_added("moon"))
    proposal = engine.propose(photo, ["cat", "moon"])
    assert "moon" in proposal.note
    assert proposal.cams[0].any() and not proposal.cams[1].any()
    assert not (proposal.mask == 4).any()
    corrections = np.full((300, 451), 255, np.uint8)
    corrections[100:200, 100:200] = 4
    assert (proposal.refine(corrections) == 4).sum() >= 100 * 100


@pytest.mark.parametrize("changes", [{"mode": "mean"}, {"mask_crf": True}, {"seed_crf": False}])
def test_every_way_of_propagation_gives_a_mask(
    engine: Engine, photo: np.ndarray, changes: dict[str, object]
) -> None:
    engine.settings = replace(engine.settings, **changes)  # type: ignore[arg-type]
    proposal = engine.propose(photo, ["cat", "coffee"])
    assert proposal.mask.shape == (300, 451)
    assert proposal.scores.shape == (3, 11, 16) and np.isfinite(proposal.scores).all()
    assert proposal.scores.min() >= 0


def test_the_segmentation_networks_prediction_takes_the_place_of_propagated_scores(
    segmenting: Engine, halves: np.ndarray
) -> None:
    truth = np.zeros((96, 128), np.uint8)
    truth[:, 64:] = 1
    for fast in (True, False):
        proposal = segmenting.propose(halves, ["cat"], fast)
        assert proposal.source == "segmentation" and proposal.scores.shape == (2, 12, 16)
        assert (proposal.mask == truth).mean() > 0.98
    assert segmenting.propose(halves, ["rocket"]).scores[0].min() > 0.9, "it sees none"
    assert not segmenting.propose(halves, []).mask.any()
    segmenting.settings = replace(segmenting.settings, segmentation=False)
    propagated = segmenting.propose(halves, ["cat"])
    assert propagated.source == "walk" and (propagated.mask != proposal.mask).any()


def test_strokes_correct_the_segmentation_network_and_undo_restores_every_pixel(
    segmenting: Engine, halves: np.ndarray
) -> None:
    proposal = segmenting.propose(halves, ["cat"])
    untouched = np.full(halves.shape[:2], 255, np.uint8)
    painted = untouched.copy()
    painted[40:56, 90:110] = 0
    mask = proposal.refine(painted)
    assert not mask[40:56, 90:110].any()
    assert (mask == 0).sum() > (proposal.mask == 0).sum() + 16 * 20, "the stroke spreads"
    assert (proposal.refine(untouched) == proposal.mask).all()


def test_the_propagated_mask_follows_the_corrected_seeds(engine: Engine, halves: np.ndarray) -> None:
    engine.replace_models(affinity=None)  # cells alike in the photo are alike
    proposal = engine.propose(halves, ["cat"])
    untouched = np.full(halves.shape[:2], 255, np.uint8)
    painted = untouched.copy()
    painted[40:64, 88:112] = 3  # a class without a tag
    followed = proposal.propagate(halves, painted)
    assert (followed[40:64, 88:112] == 3).all()
    assert (followed == 3).sum() > 24 * 24, "it spreads"
    assert not (followed[:, :48] == 3).any(), "but not across the edge"
    assert (followed != proposal.propagated)[:, :48].mean() < 0.05
    assert (proposal.propagate(halves, untouched) == proposal.propagated).all()


def test_the_segmentation_network_predicts_once_for_an_image(segmenting: Engine, halves: np.ndarray) -> None:
    segmenting.propose(halves, ["cat"])
    segmenting.suggest_tags(halves)
    with inputs_of_networks() as seen:
        segmenting.settings = replace(segmenting.settings, mask_sharpness=2.0)
        segmenting.propose(halves.copy(), ["cat"])
        segmenting.suggest_tags(halves.copy())
        assert seen == []
        segmenting.replace_models(segmentation=BrightSegmenter(3, len(CLASSES)))
        segmenting.propose(halves, ["cat"])
        assert seen


def test_a_class_the_segmentation_network_has_not_learnt_is_named(
    segmenting: Engine, halves: np.ndarray
) -> None:
    segmenting.replace_models(classes=CLASSES.with_added("moon"))
    proposal = segmenting.propose(halves, ["moon", "cat"])
    assert "have not learnt moon" in proposal.note
    assert set(np.unique(proposal.mask).tolist()) == {0, 1}


def test_without_a_segmentation_network_the_mask_is_propagated(engine: Engine, halves: np.ndarray) -> None:
    engine.settings = replace(engine.settings, segmentation=True, mode="mean")
    assert engine.propose(halves, ["cat"]).source == "mean"


def test_the_classifier_suggests_what_is_likely_and_it_has_learnt(engine: Engine, photo: np.ndarray) -> None:
    with torch.no_grad():
        engine.models.classifier.head.weight[0] *= 1e4
        engine.models.classifier.head.weight[1] = 0  # nothing is known of coffee
        engine.models.classifier.head.weight[2] *= -1e4
    suggested = Engine(engine.models, engine.settings).suggest_tags(photo)
    assert [(name, segmented) for name, _, segmented in suggested] == [("cat", False)]
    assert 0.7 <= suggested[0].score <= 1


def test_the_segmentation_network_suggests_what_it_sees_a_part_of(
    segmenting: Engine, halves: np.ndarray
) -> None:
    with torch.no_grad():
        segmenting.models.classifier.head.weight.zero_()  # it has learnt nothing
    segmenting = Engine(segmenting.models, segmenting.settings)
    (suggestion,) = segmenting.suggest_tags(halves)
    assert suggestion.name == "cat" and suggestion.segmented
    assert suggestion.score == pytest.approx(0.5, abs=0.02)
    assert segmenting.suggest_tags(halves[:, :64]) == []
