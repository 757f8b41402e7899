"""Which networks the desk takes up from a file, and how it tells what they lack."""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from desk import random_backbone

from annotator.session.engine_loading import load_engine
from trainer.data.project import Project
from trainer.errors import WeightsError
from trainer.learn.segmentation import predict
from trainer.models.affinitynet import AffinityNet
from trainer.models.bundle import Bundle, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.worker.tag_learning import FILE

KNOWN = ("car", "zebra", "cat")


@pytest.fixture
def network() -> SegmentationNet:
    """A segmentation network of the classes `KNOWN`, with random weights."""
    network = SegmentationNet(copy.deepcopy(random_backbone()), len(KNOWN), width=16).eval()
    torch.nn.init.normal_(network.classify.weight)
    return network


@pytest.fixture
def project(sample: Path) -> Iterator[Project]:
    """The sample with three classes, of which `KNOWN` has two, in another order."""
    (sample / "tags.csv").unlink()
    (sample / "classes.txt").write_text("cat\nmoon\ncar\n")
    project = Project.open_folder(sample)
    yield project
    project.close()


def test_a_segmentation_network_among_the_models_is_given_the_projects_classes(
    project: Project, network: SegmentationNet, tmp_path: Path, rng: np.random.Generator
) -> None:
    file = tmp_path / "run.safetensors"
    save_models(file, Bundle(KNOWN, CamClassifier(random_backbone(), len(KNOWN)), segmentation=network))
    loaded = load_engine(project, str(file))
    assert "does not know moon" in loaded.warning and not loaded.engine.settings.segmentation
    adapted = loaded.engine.models.segmentation
    assert adapted is not None
    photo = rng.integers(0, 255, (64, 64, 3), np.uint8)
    cat, moon, car = 1, 2, 3
    now, before = predict(adapted, photo, (car, cat)), predict(network, photo, (1, 3))
    np.testing.assert_allclose(now, before, atol=1e-4)
    assert predict(adapted, photo)[moon].max() == 0


def test_a_segmentation_network_alone_makes_the_masks_and_the_lack_of_cams_is_told(
    project: Project, network: SegmentationNet, tmp_path: Path, rng: np.random.Generator
) -> None:
    file = tmp_path / "seg.safetensors"
    save_models(file, Bundle(KNOWN, segmentation=network))
    loaded = load_engine(project, str(file))
    assert "no classifier" in loaded.warning
    assert loaded.engine.settings.segmentation
    proposal = loaded.engine.propose(rng.integers(0, 255, (48, 64, 3), np.uint8), ["cat"])
    assert proposal.source == "segmentation" and not proposal.cams.any()


def test_what_is_learnt_from_tags_goes_with_the_segmentation_network_it_began_with(
    project: Project, network: SegmentationNet, tmp_path: Path
) -> None:
    file = tmp_path / "run.safetensors"
    classifier = CamClassifier(random_backbone(), len(KNOWN))
    save_models(file, Bundle(KNOWN, classifier, segmentation=network))
    learnt = CamClassifier(random_backbone(), len(project.classes))
    save_models(project.models_dir / FILE, Bundle(project.classes.names, learnt, info={"base": "run"}))
    models = load_engine(project, str(file)).engine.models
    assert torch.equal(models.classifier.head.weight, learnt.head.weight)
    assert models.segmentation is not None


def test_models_that_can_propose_nothing_are_refused(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "affinity.safetensors"
    save_models(file, Bundle(KNOWN, affinity=AffinityNet(random_backbone())))
    with pytest.raises(WeightsError, match=r"affinity\.safetensors holds neither"):
        load_engine(project, str(file))
