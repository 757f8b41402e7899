"""What the desk's tests share: a small real engine, strokes, and waiting until the desk is at rest."""

import numpy as np
import torch
from pytestqt.qtbot import QtBot

from annotator.models import Loaded
from annotator.session import Session, rect_of
from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.settings import Settings

SIDE = 160  # photos are reduced to this, so that a proposal takes a moment


def small_engine(project: Project) -> Loaded:
    """A real engine: the whole method on a random MobileNetV2, one scale, few steps."""
    torch.manual_seed(0)
    backbone = build_backbone("mobilenet_v2")
    classifier = CamClassifier(backbone, len(project.classes)).eval()
    settings = Settings(scales=(1.0,), max_side=SIDE, steps=8, seed_crf=False)
    return Loaded(Engine(Models(project.classes, classifier, AffinityNet(backbone).eval()), settings))


def wait_settled(session: Session, qtbot: QtBot) -> None:
    """Wait until the open image has its full proposal and nothing is under way."""
    qtbot.waitUntil(
        lambda: session.proposal is not None and not session.proposal.fast and not session.busy, timeout=20000
    )


def stroke(session: Session, class_id: int, box: tuple[int, int, int, int]) -> None:
    """Paint a rectangle (y0, x0, y1, x1) of a class on the session's target."""
    y0, x0, y1, x1 = box
    session.commit_stroke(rect_of(box), np.full((y1 - y0, x1 - x0), class_id, np.uint8), "brush")
