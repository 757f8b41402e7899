"""Names of the stages of a run: of its folders, scores, times and progress bars."""

from __future__ import annotations

from trainer.learn import affinity, classifier, segmentation
from trainer.method.propagations import PROPAGATIONS

PHOTOS = "photos"
CLASSIFIER = classifier.NAME
CAM = "cam"
SEED_ALPHA = "seed alpha"
SEEDS = "seeds"
AFFINITY_NET = affinity.NAME
WALK_ALPHA = "walk alpha"
CRF = "crf"
SEGMENTATION_NET = segmentation.NAME
SEGNET = "segnet"
SEGNET_CRF = "segnet-crf"
LABELS = "labels"
REFINED = "refined"
SCORES = "scores"
MASKS = "masks"

LABEL_MAPS: dict[str, str] = {
    CAM: "CAM",
    **{mode.stage: mode.label.lower() for mode in PROPAGATIONS.values()},
    CRF: "dense CRF",
    SEGNET: "segmentation network",
    SEGNET_CRF: "segmentation network + CRF",
    REFINED: "stroke network, without strokes",
}
"""The stages that end in a label map, below ``stages`` of a run, with their names for people, in the order of
the method."""

CRF_OF: dict[str, str] = {mode.stage: CRF for mode in PROPAGATIONS.values()} | {SEGNET: SEGNET_CRF}
"""The stage that refines the scores of another by the dense CRF."""

KEPT_AS_LABELS = {*CRF_OF.values(), LABELS, REFINED}
"""Stages whose results are label maps of the photo's own size; the others keep scores."""
