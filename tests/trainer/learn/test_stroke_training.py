"""Training the stroke network: views, simulated strokes, loss, and a training that can be gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainer.learn.checkpoint import Checkpoint
from trainer.learn.object_photos import ObjectPhotos, find_pairs, read_photos
from trainer.learn.object_views import cut_views, draw_places, pasted, recoloured, whole_places
from trainer.learn.stroke_robot import CAREFUL, Habits, find_clicks, paint, spoilt
from trainer.learn.strokes import (
    StrokeRecipe,
    held_out_clicks,
    held_out_indices,
    mask_loss,
    stroke_steps,
)
from trainer.models.registry import BUNDLED_STROKES
from trainer.models.stroke_net import StrokeNet, load_stroke_net

SMALL = ((48, 64), (64, 48), (64, 64))
RECIPE = StrokeRecipe(steps=2, batch=2, rounds=1, warm_up=1)


@pytest.fixture
def photos(tmp_path: Path) -> ObjectPhotos:
    """Four photos of 48×64 in which a bright ellipse is the object."""
    for folder in ("JPEGImages", "objects"):
        (tmp_path / folder).mkdir()
    y, x = np.ogrid[:48, :64]
    for number in range(4):
        labels = (((y - 22) / 12) ** 2 + ((x - 20 - 6 * number) / 14) ** 2 <= 1).astype(np.uint8)
        photo = np.random.default_rng(number).integers(0, 80, (48, 64, 3), np.uint8)
        photo[labels > 0] += 150
        Image.fromarray(photo).save(tmp_path / "JPEGImages" / f"{number}.jpg", quality=95)
        Image.fromarray(labels).save(tmp_path / "objects" / f"{number}.png")
    return read_photos(find_pairs([tmp_path]), side=64)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings see small views."""
    monkeypatch.setattr("trainer.learn.strokes.SHAPES", SMALL)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- Views --------------------------------------------------------------------------------------------------


def test_truth_lies_on_the_object_however_the_view_is_cut(
    photos: ObjectPhotos, rng: np.random.Generator
) -> None:
    places = draw_places(photos, [0, 1, 2, 3] * 4, (64, 96), rng)
    views = cut_views(photos, places, (64, 96))
    assert views.pixels.shape == (16, 3, 64, 96) and views.truth.shape == views.known.shape == (16, 32, 48)
    bright = torch.nn.functional.avg_pool2d(views.pixels.mean(1, keepdim=True), 2)[:, 0] > 125
    agree = (bright == views.truth)[views.known].float().mean()
    assert agree > 0.97 and views.truth.flatten(1).any(1).all()


def test_other_colours_and_pasted_objects_keep_truth_and_pixels_together(photos: ObjectPhotos) -> None:
    views = cut_views(photos, whole_places(photos, (48, 64)) * 40, (48, 64))
    coloured = recoloured(views, generator())
    assert (coloured.truth == views.truth).all() and coloured.pixels.min() >= 0
    assert coloured.pixels.max() <= 255 and (coloured.pixels != views.pixels).any((1, 2, 3)).all()
    joined = pasted(views, generator())
    changed = (joined.truth != views.truth).flatten(1).any(1)
    assert 0.02 < changed.float().mean() < 0.25
    assert (joined.pixels[~changed] != views.pixels[~changed]).flatten(1).any(1).float().mean() < 0.1


# -- Strokes ------------------------------------------------------------------------------------------------


def discs() -> tuple[torch.Tensor, torch.Tensor]:
    y, x = torch.meshgrid(torch.arange(30), torch.arange(40), indexing="ij")
    truth = ((y - 14) ** 2 + (x - 12) ** 2 <= 64)[None].repeat(20, 1, 1)
    return truth, ((y - 14) ** 2 + (x - 30) ** 2 <= 25)[None].repeat(20, 1, 1)


def test_a_careful_click_goes_into_the_deepest_error_and_keeps_to_its_side() -> None:
    truth, alarm = discs()
    everything, painted = torch.ones_like(truth), torch.zeros(truth.shape, dtype=torch.uint8)
    missed = find_clicks(torch.zeros_like(truth), truth, everything, painted, 1, generator())
    assert (missed.y == 14).all() and (missed.x == 12).all() and (missed.label == 1).all()
    much = find_clicks(truth | alarm, truth, everything, painted, 1, generator())
    assert (much.y == 14).all() and (much.x == 30).all() and (much.label == 2).all()
    assert (find_clicks(truth, truth, everything, painted, 1, generator()).label == 0).all()
    unknown = find_clicks(truth | alarm, truth, ~alarm, painted, 1, generator())
    assert (unknown.label == 0).all()
    active = torch.arange(20) < 10
    stroke = paint(painted, missed, truth, CAREFUL, active, generator())
    assert (stroke[:10] == 1).sum() == 10 * 13 and not stroke[10:].any()


def test_hasty_strokes_are_longer_spill_over_the_edge_and_are_corrected() -> None:
    truth, _ = discs()
    everything, painted = torch.ones_like(truth), torch.zeros(truth.shape, dtype=torch.uint8)
    click = find_clicks(torch.zeros_like(truth), truth, everything, painted, 0, generator())
    assert truth[torch.arange(20), click.y, click.x].all() and len(set(click.x.tolist())) > 2
    active = torch.ones(20, dtype=torch.bool)

    def painted_with(**habits: float) -> torch.Tensor:
        return paint(painted, click, truth, replace(CAREFUL, **habits), active, generator())

    kept = painted_with(lines=1, longest=30)
    assert (kept > 0).sum() > 1.5 * (painted_with() > 0).sum() and not (kept > 0)[~truth].any()
    spilt = painted_with(lines=1, spilling=1)
    outside = torch.nn.functional.max_pool2d(truth.float()[:, None], 3, 1, 1)[:, 0] == 0
    assert (spilt > 0)[~truth].any() and not (spilt > 0)[outside].any()
    assert (painted_with(slips=1) == 2).any() and not (painted_with() == 2).any()
    same = paint(painted, click, truth, Habits(), active, generator(3))
    assert (same == paint(painted, click, truth, Habits(), active, generator(3))).all()


def test_spoilt_masks_are_masks_and_most_are_neither_right_nor_strangers() -> None:
    truth = torch.nn.functional.interpolate(discs()[0].float()[:, None], scale_factor=4)[:, 0] > 0
    masks = spoilt(truth, generator())
    assert masks.shape == (20, 1, 60, 80) and masks.min() >= 0 and masks.max() <= 1
    right = torch.nn.functional.avg_pool2d(truth.float()[:, None], 2) > 0.5
    found = masks > 0.5
    overlap = (found & right).sum((1, 2, 3)) / (found | right).sum((1, 2, 3))
    assert overlap.median() > 0.4 and (overlap < 0.999).float().mean() > 0.7


def test_the_loss_falls_as_the_answer_gets_better_and_leaves_out_what_is_unknown() -> None:
    truth = discs()[0].float()
    known = torch.ones_like(truth)
    right, flat = 6 * (2 * truth - 1), torch.zeros_like(truth)
    assert (
        mask_loss(right, truth, known) < 0.1 < mask_loss(flat, truth, known) < mask_loss(-right, truth, known)
    )
    known[:, :, 20:] = 0
    spoiled = right.clone()
    spoiled[:, :, 20:] = 9
    torch.testing.assert_close(mask_loss(spoiled, truth, known), mask_loss(right, truth, known))


# -- Training -----------------------------------------------------------------------------------------------


def trained(
    photos: ObjectPhotos, recipe: StrokeRecipe, checkpoint: Checkpoint | None = None, until: int = 99
) -> StrokeNet:
    """The network that ships, trained on; given up after the step `until`."""
    net = load_stroke_net(BUNDLED_STROKES)
    for step in stroke_steps(net, photos, recipe, checkpoint):
        assert torch.isfinite(step.loss) and step.steps == recipe.steps
        if step.step == until:
            break
    return net


def weights(net: StrokeNet) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in net.parameters()])


def test_a_training_is_the_same_for_a_seed_and_goes_on_where_it_was_cut_short(
    small: None, photos: ObjectPhotos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = weights(trained(photos, RECIPE))
    monkeypatch.setattr("trainer.learn.checkpoint.EVERY", 0.0)
    warnings: list[str] = []
    checkpoint = Checkpoint(tmp_path / "checkpoint", warnings.append)
    trained(photos, RECIPE, checkpoint, until=1)
    again = trained(photos, RECIPE, checkpoint)
    assert warnings == [] and not again.training
    torch.testing.assert_close(weights(again), whole, rtol=0, atol=0)
    assert not torch.equal(whole, weights(load_stroke_net(BUNDLED_STROKES)))


def test_held_out_clicks_are_counted_on_whole_photos(small: None, photos: ObjectPhotos) -> None:
    scores = held_out_clicks(load_stroke_net(BUNDLED_STROKES), photos, clicks=3)
    assert set(scores) == {"noc@85", "noc@90", "iou@1", "iou@3", "iou@8"}
    assert 1 <= scores["noc@85"] <= scores["noc@90"] <= 3
    assert 0.2 < scores["iou@1"] <= scores["iou@3"] == scores["iou@8"] <= 1
    assert held_out_clicks(load_stroke_net(BUNDLED_STROKES), photos, clicks=3) == scores


def test_photos_are_held_out_by_their_names_alone() -> None:
    names = [f"set/{number}" for number in range(2000)]
    judged, learnt = held_out_indices(names, 0.1)
    assert sorted(judged + learnt) == list(range(2000)) and 150 < len(judged) < 250
    fewer, _ = held_out_indices(names[500:], 0.1)
    assert {names[500 + index] for index in fewer} == {names[index] for index in judged if index >= 500}
    assert held_out_indices(names, 0)[0] == []
