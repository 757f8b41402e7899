"""What the desk's tests share: a small real engine, strokes, and waiting until the desk is at rest."""

from functools import cache
from threading import Event

import numpy as np
import pytest
import torch
from bright_segmenter import BrightSegmenter
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.session.engine_loading import Loaded
from annotator.shell.window import Window
from trainer.data.project import Project
from trainer.engine import Engine, Models, Proposal
from trainer.method.settings import Settings
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone
from trainer.models.base import Backbone
from trainer.models.classifier import CamClassifier

SIDE = 160  # photos are reduced to this, so that a proposal takes a moment


@cache
def random_backbone() -> Backbone:
    """A MobileNetV2 with random weights, made once: nothing ever trains it."""
    torch.manual_seed(0)
    return build_backbone("mobilenet_v2")


def small_engine(project: Project) -> Loaded:
    """A real engine: the whole method on a random MobileNetV2, one scale, few steps."""
    backbone = random_backbone()
    torch.manual_seed(0)
    classifier = CamClassifier(backbone, len(project.classes)).eval()
    with torch.no_grad():
        classifier.head.weight.abs_().mul_(1e6)  # so that every class has a CAM that can be seen
    settings = Settings(scales=(1.0,), max_side=SIDE, steps=8, seed_crf=False)
    return Loaded(Engine(Models(project.classes, classifier, AffinityNet(backbone).eval()), settings))


def segmenting_engine(project: Project) -> Loaded:
    """The small engine with a segmentation network, to which bright pixels are a person."""
    loaded = small_engine(project)
    network = BrightSegmenter(project.classes.id_of("person"), len(project.classes))
    loaded.engine.replace_models(segmentation=network)
    return loaded


def wait_settled(session: Session, qtbot: QtBot) -> None:
    """Wait until the open image has its full proposal, nothing is under way and all is on disk."""

    def settled() -> bool:
        proposal = session.proposal
        return proposal is not None and not proposal.fast and not session.busy and session.saved

    qtbot.waitUntil(settled, timeout=20000)


class Held:
    """Holds the trainer thread at the end of every full proposal, until it is let go."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self._made, self._let_go = Event(), Event()
        propose = session.engine.propose

        def held(image: np.ndarray, tags: tuple[str, ...], fast: bool = False) -> Proposal:
            proposal = propose(image, tags, fast)
            if not fast:
                self._made.set()
                self._let_go.wait(60)
            return proposal

        monkeypatch.setattr(session.engine, "propose", held)

    def wait(self, qtbot: QtBot) -> None:
        """Wait until a proposal is made and held."""
        qtbot.waitUntil(self._made.is_set, timeout=20000)

    def let_go(self) -> None:
        """Hold nothing any more."""
        self._let_go.set()


def go_to(session: Session, image_id: str, qtbot: QtBot) -> None:
    """Open an image and wait for its proposal."""
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        session.open_image(image_id)
    wait_settled(session, qtbot)


def stroke(session: Session, class_id: int, box: tuple[int, int, int, int]) -> None:
    """Paint a rectangle (y0, x0, y1, x1) of a class on the session's target, and have it on disk."""
    y0, x0, y1, x1 = box
    session.strokes.commit(box, np.full((y1 - y0, x1 - x0), class_id, np.uint8), "brush")
    session.save()


def texts(widget: QWidget) -> list[str]:
    """What the labels on a widget say that are not hidden, in no order."""
    labels = widget.findChildren(QLabel)
    return [label.text() for label in labels if label.text() and label.isVisibleTo(widget)]


def says(widget: QWidget, part: str) -> bool:
    """Whether a label on a widget shows a text with this part."""
    return any(part in text for text in texts(widget))


def press(window: Window, key: Qt.Key, qtbot: QtBot, to: object = None) -> None:
    """Press a key on the canvas, or on another widget."""
    qtbot.keyClick(to or window.canvas, key)
