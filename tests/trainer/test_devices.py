"""A GPU is used where there is one, gives what the CPU gives, and may fail at any moment: nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from corrected_photos import FOUR, add_mirrored, correct
from stand_in_gpu import GPU, StandInGpu

import trainer.worker.affinity_subject
import trainer.worker.finetuning
import trainer.worker.segmentation_subject
from trainer import devices
from trainer.data.images import load_image
from trainer.data.project import Project
from trainer.engine import Engine
from trainer.errors import UserError
from trainer.learn.segmentation_head import new_head
from trainer.models.affinitynet import AffinityNet
from trainer.worker.finetuning import Training
from trainer.worker.messages import Message, ValidationPoint
from trainer.worker.verdict import Verdict

MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
GONE = RuntimeError("CUDA error: device-side assert triggered\nCompile with …")


@pytest.fixture
def full(engine: Engine) -> Engine:
    """The engine with an AffinityNet and a segmentation network, random as they are, on one backbone."""
    backbone = engine.models.classifier.backbone
    network = new_head(backbone, len(engine.models.classes), seed=0)
    engine.replace_models(affinity=AffinityNet(backbone).eval(), segmentation=network)
    return engine


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The GPUs that torch finds; those of them that compute."""
    there: set[str] = set()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)
    monkeypatch.setattr(devices, "check", lambda name: None)
    devices.find_gpu.cache_clear()
    yield there
    devices.find_gpu.cache_clear()


@pytest.mark.parametrize(("there", "gpu"), [((), ""), (("cuda",), "cuda"), (("mps",), "mps")])
def test_the_gpu_of_the_machine_is_found(there: tuple[str, ...], gpu: str, found: set[str]) -> None:
    found.update(there)
    assert devices.find_gpu() == gpu


def test_a_gpu_that_cannot_compute_is_none(found: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise UserError(f"cannot compute on {name}")

    found.add("cuda")
    monkeypatch.setattr(devices, "check", refuse)
    assert devices.find_gpu() == ""


def test_only_what_a_gpu_may_be_to_blame_for_is_left_to_the_cpu() -> None:
    assert devices.is_lost(MEMORY, "cuda") and devices.is_lost(GONE, "cuda")
    assert devices.is_lost(TypeError("Cannot convert a MPS Tensor to float64"), "mps")
    assert not devices.is_lost(GONE, "cpu")
    assert not devices.is_lost(KeyError("cat"), "cuda") and not devices.is_lost(UserError("no photo"), "cuda")
    assert "no memory left" in devices.reason_to_leave(MEMORY)
    reason = devices.reason_to_leave(GONE)
    assert "(CUDA error: device-side assert triggered)" in reason and "nothing is lost" in reason


@pytest.mark.parametrize("changes", [{}, {"segmentation": True}])
def test_a_gpu_gives_the_masks_of_the_cpu(full: Engine, project: Project, changes: dict[str, Any]) -> None:
    full.settings = replace(full.settings, **changes)
    photo = load_image(project.record("chelsea").path)
    expected = full.propose(photo, ["cat"])
    strokes = np.full(photo.shape[:2], 255, np.uint8)
    strokes[20:30, 20:40] = 8
    with StandInGpu() as gpu:
        engine = Engine(full.models.copied_to(GPU), full.settings, GPU)
        proposal = engine.propose(photo, ["cat"])
        assert engine.suggest_tags(photo) == full.suggest_tags(photo)
        gpu.error = GONE  # what is proposed already is in main memory
        np.testing.assert_array_equal(proposal.mask, expected.mask)
        np.testing.assert_array_equal(proposal.refine(strokes), expected.refine(strokes))
        np.testing.assert_array_equal(proposal.propagate(photo, strokes), expected.propagate(photo, strokes))


def test_copies_on_another_device_share_what_the_networks_share(full: Engine) -> None:
    with StandInGpu():
        there = full.models.copied_to(GPU)
    assert there.device.startswith(GPU) and full.models.device == "cpu"
    assert there.affinity is not None and there.segmentation is not None
    assert there.affinity.backbone is there.segmentation.backbone is there.classifier.backbone


@pytest.mark.parametrize("segmentation", [False, True])
def test_corrections_teach_on_a_gpu_what_they_teach_on_the_cpu(
    project: Project, full: Engine, segmentation: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_mirrored(project)
    correct(project, *FOUR)
    subject = {
        False: trainer.worker.affinity_subject.AffinitySubject,
        True: trainer.worker.segmentation_subject.SegmentationSubject,
    }[segmentation]
    monkeypatch.setattr(subject, "steps", 2)
    monkeypatch.setattr(trainer.worker.finetuning, "PATIENCE", 1)
    monkeypatch.setattr(trainer.worker.finetuning, "paired", lambda *_: Verdict(0.0, -0.1, 0.1))
    full.settings = replace(full.settings, segmentation=segmentation)
    models = full.models

    def validated(engine: Engine) -> list[ValidationPoint]:
        heard: list[Message] = []
        for _ in Training(project, engine, engine.models, heard.append).batches():
            pass
        return [message for message in heard if isinstance(message, ValidationPoint)]

    on_cpu = validated(full)
    with StandInGpu():
        on_gpu = validated(Engine(models.copied_to(GPU), full.settings, GPU))
    assert on_gpu == on_cpu and len(on_cpu) == 1
