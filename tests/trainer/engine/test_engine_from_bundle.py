"""From a file of models to an engine: classes by name, and all that belongs to the models with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch

from trainer.data.classes import ClassList
from trainer.engine import Engine
from trainer.errors import WeightsError
from trainer.learn.segmentation import predict
from trainer.method.settings import Settings
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone
from trainer.models.bundle import Bundle, load_models, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet

KNOWN = ("car", "zebra", "cat")
SMALL = Settings(max_side=96, cam_side=96, scales=(1.0, 0.5), steps=8)


@pytest.fixture
def photo() -> np.ndarray:
    """The cat, 100×150."""
    return np.ascontiguousarray(skimage.data.chelsea()[::3, ::3])


@pytest.fixture
def bundle() -> Bundle:
    """Models of the classes `KNOWN` with random weights."""
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("resnet18"), len(KNOWN)).eval()
    with torch.no_grad():
        classifier.head.weight.abs_()  # so that every class has a CAM
    segmentation = SegmentationNet(classifier.backbone, len(KNOWN), width=16).eval()
    return Bundle(KNOWN, classifier, AffinityNet(classifier.backbone).eval(), segmentation)


@pytest.mark.parametrize("names", [("cat", "car", "zebra"), ("zebra", "moon", "cat"), ("cat",)])
def test_classes_are_matched_by_name_in_any_order_and_number(
    bundle: Bundle, photo: np.ndarray, names: tuple[str, ...]
) -> None:
    own = Engine.from_bundle(bundle, settings=SMALL)
    engine = Engine.from_bundle(bundle, ClassList(names), SMALL)
    for name in set(names) & set(KNOWN):
        before, now = own.propose(photo, [name]), engine.propose(photo, [name])
        assert now.classes == (1 + names.index(name),)
        np.testing.assert_array_equal(now.cams, before.cams)
        np.testing.assert_array_equal(now.mask > 0, before.mask > 0)
    segmentation = engine.models.segmentation
    assert segmentation is not None and bundle.segmentation is not None
    ids = [1 + names.index(name) for name in KNOWN if name in names]
    known = [1 + KNOWN.index(name) for name in KNOWN if name in names]
    np.testing.assert_allclose(
        predict(segmentation, photo, ids), predict(bundle.segmentation, photo, known), atol=1e-5
    )
    assert bundle.classifier is not None and bundle.classifier.class_count == len(KNOWN), "left as it is"


def test_a_class_the_models_have_not_learnt_has_no_cam_and_lives_from_strokes(
    bundle: Bundle, photo: np.ndarray
) -> None:
    engine = Engine.from_bundle(bundle, ClassList(("moon", "cat", "sun")), SMALL)
    proposal = engine.propose(photo, ["moon", "cat"])
    assert proposal.note.startswith("The models have not learnt moon, so no mask is proposed for it: click")
    assert not proposal.cams[0].any() and proposal.cams[1].any()
    assert set(np.unique(proposal.mask).tolist()) <= {0, 2}
    corrections = np.full(photo.shape[:2], 255, np.uint8)
    corrections[20:60, 20:60] = 1
    mask = proposal.refine(corrections)
    assert (mask[20:60, 20:60] == 1).all()
    assert "moon" not in {suggestion.name for suggestion in engine.suggest_tags(photo)}


@pytest.mark.parametrize("classes", [None, ClassList(())])
def test_without_a_class_list_the_classes_are_the_models_own(
    bundle: Bundle, classes: ClassList | None
) -> None:
    assert Engine.from_bundle(bundle, classes).models.classes.names == KNOWN


def test_what_belongs_to_the_models_comes_with_their_file(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "models.safetensors"
    found = SMALL.calibrated(3.3, 1.7)
    save_models(file, Bundle(KNOWN, bundle.classifier, bundle.affinity, info=found.of_models))
    engine = Engine.from_bundle(load_models(file))
    for name in ("alpha", "alpha_low", "alpha_high", "cam_side", "scales"):
        assert getattr(engine.settings, name) == getattr(found, name)
    assert engine.models.digest and engine.models.digest == load_models(file).digest


def test_the_models_that_ship_bring_their_own_settings() -> None:
    engine = Engine.bundled(ClassList(("cat", "object")))
    assert engine.settings.cam_side == 384 and engine.settings.alpha == pytest.approx(1.493)
    assert engine.settings.segmentation
    assert engine.models.classes.names == ("cat", "object")


def test_a_segmentation_network_alone_makes_the_masks(bundle: Bundle, photo: np.ndarray) -> None:
    engine = Engine.from_bundle(Bundle(KNOWN, segmentation=bundle.segmentation))
    assert engine.propose(photo, ["cat"]).source == "segmentation"


def test_models_that_can_propose_nothing_are_refused_by_their_files_name(
    bundle: Bundle, tmp_path: Path
) -> None:
    file = tmp_path / "affinity.safetensors"
    save_models(file, Bundle(KNOWN, affinity=bundle.affinity))
    with pytest.raises(WeightsError, match=r"affinity\.safetensors holds neither"):
        Engine.from_bundle(load_models(file))
