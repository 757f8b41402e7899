"""One photo's way through the method, a step at a time: CAMs → seed cues → evidence → propagation → mask.

Everyone who makes masks goes this way: the engine, the pipeline, learning from tags. Pure functions on arrays
and tensors; what may be kept of them is the caller's affair. A photo is a uint8 H×W×3 view of it, at the size
the networks see (`Settings.max_side`), where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from trainer.data.classes import BACKGROUND, UNTOUCHED, labels_in
from trainer.data.regions import remove_small_regions
from trainer.method.cam import cams_at, joined, with_background
from trainer.method.crf import DenseCRF
from trainer.method.grid import grid_of, majority, pool
from trainer.method.masks import label_map
from trainer.method.propagation import Evidence
from trainer.method.propagations import PROPAGATIONS
from trainer.method.seeds import seed_cues
from trainer.method.settings import Settings
from trainer.models.affinitynet import AffinityNet
from trainer.models.class_rows import learnt_rows
from trainer.models.classifier import CamClassifier

REMINDERS = 4
"""Parts of a walk, after each of which painted cells are set to their class again [ours]."""

Kept = Callable[[float, Callable[[], Tensor]], Tensor]
"""Gives back what was kept for a scale, or else keeps what the function makes."""


def find_cams(
    classifier: CamClassifier,
    photo: np.ndarray,
    classes: Sequence[int],
    settings: Settings,
    fast: bool = False,
    kept: Kept = lambda scale, make: make(),
) -> np.ndarray:
    """Return the CAMs of the class ids `classes` (METHOD section 1): float32 K×H×W in [0, 1].

    A class that the classifier has not learnt has a CAM of zeros. `fast` takes scale 1 alone. `kept` may give
    back the maps of a scale that were made before with the same arguments.
    """
    learnt_ones = set(learnt_rows(classifier.head))
    learnt = [index for index, class_id in enumerate(classes) if class_id - 1 in learnt_ones]
    cams = np.zeros((len(classes), *photo.shape[:2]), np.float32)
    if learnt:
        rows = [classes[index] - 1 for index in learnt]
        at = partial(cams_at, classifier, photo, rows, side=settings.cam_side)
        scales = (1.0,) if fast else settings.scales
        cams[learnt] = joined([kept(scale, partial(at, scale)) for scale in scales], photo.shape[:2])
    return cams


def find_seeds(
    cams: np.ndarray, photo: np.ndarray, classes: Sequence[int], settings: Settings, fast: bool = False
) -> np.ndarray:
    """Return the seed cues of CAMs K×H×W (METHOD section 2): uint8 H×W, 0 background, class ids, 255 neutral.

    The dense CRF refines them where the settings say so, but not where it should be `fast`.
    """
    refine = DenseCRF(photo, settings.crf).infer if settings.seed_crf and classes and not fast else None
    alphas = settings.alpha_low, settings.alpha_high, settings.threshold
    return seed_cues(cams, classes, *alphas, refine)


def gather_evidence(
    cams: np.ndarray, seeds: np.ndarray, classes: Sequence[int], settings: Settings
) -> Evidence:
    """Return what propagation starts from, of CAMs K×H×W and seed cues H×W."""
    grid = grid_of(seeds.shape)
    scores = pool(with_background(cams, settings.alpha), grid)
    return Evidence((BACKGROUND, *classes), scores, majority(seeds, grid))


@torch.inference_mode()
def find_features(net: AffinityNet, photo: np.ndarray, device: str) -> Tensor:
    """Return features C×h×w on the feature grid, whose distances are affinities (METHOD section 3)."""
    inputs = net.backbone.convention.normalise(photo).to(device)
    return net(inputs.contiguous(memory_format=torch.channels_last))[0]


def standardised(taps: Sequence[Tensor]) -> Tensor:
    """Return features C×h×w of a net without a trained head [ours].

    Every channel of the taps 1×C×h×w is standardised over the photo, and every tap has an equal weight in the
    mean distance, whatever its number of channels.
    """
    planes = []
    total = sum(tap.shape[1] for tap in taps)
    for tap in taps:
        centred = tap[0] - tap[0].mean(dim=(1, 2), keepdim=True)
        spread = centred.std(dim=(1, 2), keepdim=True, correction=0)
        planes.append(centred / (spread + 1e-5) * (total / (len(taps) * tap.shape[1])))
    return torch.cat(planes)


def propagate(features: Tensor, affinity: Tensor, evidence: Evidence, settings: Settings) -> np.ndarray:
    """Spread the evidence (METHOD section 4) by the mode of the settings: float32 (K+1)×h×w, at least 0.

    Args:
        features: C×h×w.
        affinity: pair planes P×h×w of these features.
        evidence: on the same grid.
        settings: mode and its parameters.
    """
    return PROPAGATIONS[settings.mode].spread(features, affinity, evidence, settings)


def with_strokes(evidence: Evidence, painted: np.ndarray) -> Evidence:
    """Return the evidence with what a person painted in the place of what the models say.

    `painted`, uint8 h×w, is on the grid of the evidence, 255 where nothing is; a class that is new gets a
    channel of its own.
    """
    new = [label for label in labels_in(painted) if label not in (*evidence.classes, UNTOUCHED)]
    classes = (*evidence.classes, *new)
    there = painted != UNTOUCHED
    scores = np.concatenate([evidence.scores, np.zeros((len(new), *painted.shape), np.float32)])
    scores[:, there] = painted[there] == np.array(classes)[:, None]
    return Evidence(classes, scores, np.where(there, painted, evidence.seeds))


def propagate_strokes(
    features: Tensor, affinity: Tensor, evidence: Evidence, painted: np.ndarray, settings: Settings
) -> tuple[tuple[int, ...], np.ndarray]:
    """Spread the evidence as `propagate` does while painted cells keep their class (METHOD section 4).

    `painted` is as in `with_strokes`. Returns the class ids of the channels, and their scores.
    """
    part = replace(settings, steps=-(-settings.steps // REMINDERS))
    known = with_strokes(evidence, painted)
    for _ in range(REMINDERS):
        spread = propagate(features, affinity, known, part)
        known = with_strokes(Evidence(known.classes, spread, known.seeds), painted)
    return known.classes, known.scores


def make_mask(
    scores: np.ndarray,
    image: np.ndarray,
    classes: Sequence[int],
    settings: Settings,
    crf: bool,
    specks: bool = False,
) -> np.ndarray:
    """Return the mask of propagated or predicted scores, uint8 H×W class ids.

    Args:
        scores: float32 K×h×w, at least 0, on any grid that covers the image.
        image: uint8 H×W×3 at the size the mask is to have.
        classes: class id of each channel.
        settings: parameters of the CRF, and what counts as a speck.
        crf: refine by the dense CRF.
        specks: leave parts that are smaller than the settings' smallest part.
    """
    channels = label_map(scores, image, settings, crf)
    if not specks:
        channels = remove_small_regions(channels, settings.smallest_part)
    return np.array(classes, np.uint8)[channels]
