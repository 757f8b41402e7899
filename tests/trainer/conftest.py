"""Fixtures of the trainer's tests: a project of real photos, and an engine that trains in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
import torch
from corrected_photos import SIZES
from PIL import Image

from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.method.settings import Settings
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Open a project of three photos, tagged and not yet corrected: a cat, a person, and one of no class."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, (height, width) in SIZES.items():
        photo = Image.fromarray(getattr(skimage.data, name)())
        photo.resize((width, height)).save(folder / f"{name}.png")
    (folder / "tags.csv").write_text("image,tags\nchelsea,cat\nastronaut,person\nrocket,\n")
    project = Project.open_folder(folder)
    yield project
    project.close()


@pytest.fixture
def engine(project: Project) -> Engine:
    """Return an engine with random weights: it knows nothing, but the same nothing in every run."""
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("resnet18"), len(project.classes))
    return Engine(Models(project.classes, classifier), Settings(scales=(1.0,), seed_crf=False))
