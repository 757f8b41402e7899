"""Fixtures of the command line's tests."""

from pathlib import Path

import pytest
import torch

from trainer.models.backbones import build_backbone
from trainer.models.bundle import Bundle, save_models
from trainer.models.classifier import CamClassifier


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Save an untrained classifier of cats, as a file of this program."""
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("mobilenet_v2"), 1)
    save_models(tmp_path / "models.safetensors", Bundle(("cat",), classifier))
    return tmp_path / "models.safetensors"
