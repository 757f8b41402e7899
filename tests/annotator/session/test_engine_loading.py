"""Which networks the desk takes up from a file, and how it tells what they lack."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from desk import random_backbone

import main as program
from annotator.session.engine_loading import load_engine
from trainer.data.digest import file_digest
from trainer.data.images import load_image, save_mask
from trainer.data.project import Project
from trainer.errors import WeightsError
from trainer.learn.segmentation import predict
from trainer.models.affinitynet import AffinityNet
from trainer.models.bundle import Bundle, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.registry import BUNDLED
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
    info = {"base": file_digest(file)}
    save_models(project.models_dir / FILE, Bundle(project.classes.names, learnt, info=info))
    models = load_engine(project, str(file)).engine.models
    assert torch.equal(models.classifier.head.weight, learnt.head.weight)
    assert models.segmentation is not None


def test_models_that_can_propose_nothing_are_refused(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "affinity.safetensors"
    save_models(file, Bundle(KNOWN, affinity=AffinityNet(random_backbone())))
    with pytest.raises(WeightsError, match=r"affinity\.safetensors holds neither"):
        load_engine(project, str(file))


def test_what_was_learnt_is_not_taken_for_that_of_another_file_of_the_same_name(
    project: Project, tmp_path: Path
) -> None:
    files = [tmp_path / folder / "models.safetensors" for folder in ("first run", "second run")]
    for file in files:
        save_models(file, Bundle(KNOWN, CamClassifier(random_backbone(), len(KNOWN))))
    learnt = CamClassifier(random_backbone(), len(project.classes))
    info = {"base": file_digest(files[0])}
    save_models(project.models_dir / FILE, Bundle(project.classes.names, learnt, info=info))
    digests = [load_engine(project, str(file)).engine.models.digest for file in files]
    assert digests == [file_digest(project.models_dir / FILE), file_digest(files[1])]
    moved = files[0].rename(tmp_path / "renamed.safetensors")
    assert load_engine(project, str(moved)).engine.models.digest == digests[0]


def test_the_robot_starts_from_the_desks_own_masks(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_the_robot_starts_from_the_desks_masks(sample, ["chelsea", "astronaut"], capsys)


def test_the_robot_starts_from_the_desks_own_masks_of_real_photos(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tmp_path / "msrc"
    (tree / "JPEGImages").mkdir(parents=True)
    ids = sorted(file.stem for file in (shared / "data/msrc/JPEGImages").iterdir())[::24]
    for image_id in ids:
        shutil.copy(shared / f"data/msrc/JPEGImages/{image_id}.jpg", tree / "JPEGImages")
    shutil.copytree(shared / "data/msrc/ImageSets", tree / "ImageSets")
    assert_the_robot_starts_from_the_desks_masks(tree, ids, capsys)


def assert_the_robot_starts_from_the_desks_masks(
    data: Path, ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The masks that the desk proposes are the truth of `data`: `simulate` finds nothing to correct."""
    project = Project.open_folder(data)
    engine = load_engine(project).engine
    for image_id in ids:
        record = project.record(image_id)
        mask = engine.propose(load_image(record.path), record.tags).mask
        assert mask.any(), image_id
        save_mask(data / "SegmentationClass" / f"{image_id}.png", mask)
    project.close()
    simulate = ["simulate", str(data), "--models", str(BUNDLED), "--protocol", "proposal"]
    assert program.main([*simulate, "--split", "all", "--json"]) == 0
    courses = json.loads(capsys.readouterr().out)["courses"]
    assert {course["image"]: course["ious"] for course in courses} == {image_id: [1.0] for image_id in ids}
