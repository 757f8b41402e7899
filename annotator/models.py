"""Which networks the desk works with: the weights a person chose, the bundled ones, or none."""

from dataclasses import dataclass
from pathlib import Path

import torch
from PySide6.QtCore import QCoreApplication
from safetensors import SafetensorError, safe_open

from resources import path as resource
from trainer.data.classes import ClassList
from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.models.backbones import build_backbone
from trainer.models.bundle import RECORD, load_models
from trainer.models.classifier import CamClassifier
from trainer.models.weights import load_backbone_weights

SCRATCH = "mobilenet_v2"


@dataclass(frozen=True)
class Loaded:
    """An engine, and a sentence about what its weights cannot do ("" when they can all)."""

    engine: Engine
    warning: str = ""


def bundled() -> Path | None:
    """The models that ship with the program."""
    return next(iter(sorted(resource("weights").glob("*.safetensors"))), None)


def load_engine(project: Project, weights: str = "") -> Loaded:
    """An engine for the classes of `project`; for a pool thread, it reads and may download.

    `weights` is a file (a backbone, or whole models) or the name of published weights; "" takes what ships
    with the program. Raises WeightsError.
    """
    source = Path(weights) if weights else bundled()
    classes = project.classes
    if source is None:
        backbone = build_backbone(SCRATCH)
        models = Models(classes, CamClassifier(backbone, len(classes)).eval(), name="scratch")
        return Loaded(
            Engine(models),
            QCoreApplication.translate(
                "models",
                "There are no pretrained weights, so proposals are guesses of an untrained network. "
                "Your strokes work all the same.",
            ),
        )
    if source.is_file() and _holds_models(source):
        bundle = load_models(source)
        assert bundle.classifier is not None
        classifier = for_classes(bundle.classifier, ClassList(bundle.classes), classes)
        return Loaded(Engine(Models(classes, classifier, bundle.affinity, name=source.stem)))
    backbone = load_backbone_weights(source if source.is_file() else weights)
    classifier = CamClassifier(backbone, len(classes)).eval()
    warning = QCoreApplication.translate(
        "models",
        "{name} has not learnt your classes: CAMs say little until a classifier is trained on the tags. "
        "Your strokes work all the same.",
    )
    return Loaded(Engine(Models(classes, classifier, name=source.stem)), warning.format(name=source.name))


def _holds_models(file: Path) -> bool:
    """Whether a file holds whole models of this program, not just a backbone."""
    try:
        with safe_open(file, "pt") as tensors:
            return RECORD in (tensors.metadata() or {})
    except SafetensorError:
        return False


def for_classes(classifier: CamClassifier, known: ClassList, wanted: ClassList) -> CamClassifier:
    """The classifier with a row for each class of `wanted`; classes it does not know get an empty CAM."""
    if known.names == wanted.names:
        return classifier
    adapted = CamClassifier(classifier.backbone, len(wanted))
    with torch.no_grad():
        adapted.head.weight.zero_()
        for name in set(known.names) & set(wanted.names):
            adapted.head.weight[wanted.id_of(name) - 1] = classifier.head.weight[known.id_of(name) - 1]
    return adapted.eval()
