"""Which networks the desk works with: the weights a person chose, the bundled ones, or none."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PySide6.QtCore import QCoreApplication
from safetensors import SafetensorError, safe_open
from torch import nn

from resources import path as resource
from trainer.data.classes import ClassList
from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.errors import WeightsError
from trainer.models.backbones import build_backbone
from trainer.models.bundle import RECORD, Bundle, load_models
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.models.weights import load_backbone_weights
from trainer.settings import Settings
from trainer.tag_learning import load_learnt

SCRATCH = "mobilenet_v2"
NOWHERE = -1e4
"""Score of a class that a segmentation network does not know."""


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
    with the program. What the project has learnt from its tags, beginning with these very weights, is used in
    their place; a segmentation network among them stays in use beside it. Raises WeightsError.
    """
    source = Path(weights) if weights else bundled()
    damaged = ""
    try:
        if (learnt := load_learnt(project, source.stem if source else SCRATCH)) is not None:
            models, settings = learnt
            if source is not None and source.is_file() and _holds_models(source):
                models = replace(models, segmentation=_segmentation_of(load_models(source), project.classes))
            return Loaded(Engine(models, settings))
    except WeightsError as error:
        damaged = QCoreApplication.translate("models", "{problem}. Learn from the tags again.").format(
            problem=str(error).rstrip(".")
        )
    loaded = _load_base(project.classes, source, weights)
    return Loaded(loaded.engine, " ".join(filter(None, (damaged, loaded.warning))))


def _load_base(classes: ClassList, source: Path | None, weights: str) -> Loaded:
    """An engine of the weights alone."""
    if source is None:
        backbone = build_backbone(SCRATCH, frozen_norm=False)
        models = Models(classes, CamClassifier(backbone, len(classes)).eval(), name=SCRATCH)
        return Loaded(
            Engine(models),
            QCoreApplication.translate(
                "models",
                "There are no pretrained weights, so proposals are guesses of an untrained network. "
                "Your strokes work all the same.",
            ),
        )
    if source.is_file() and _holds_models(source):
        return _load_bundle(load_models(source), source, classes)
    backbone = load_backbone_weights(source if source.is_file() else weights)
    classifier = CamClassifier(backbone, len(classes)).eval()
    warning = QCoreApplication.translate(
        "models",
        "{name} has not learnt your classes: CAMs say little until they are learnt from the tags. "
        "Your strokes work all the same.",
    )
    return Loaded(Engine(Models(classes, classifier, name=source.stem)), warning.format(name=source.name))


def _load_bundle(bundle: Bundle, file: Path, classes: ClassList) -> Loaded:
    """An engine of whole models; where they are a segmentation network alone, it makes the masks."""
    settings, segmentation = Settings.fitting(bundle.info), _segmentation_of(bundle, classes)
    if bundle.classifier is not None:
        classifier = for_classes(bundle.classifier, ClassList(bundle.classes), classes)
        models = Models(classes, classifier, bundle.affinity, segmentation, name=file.stem)
        return Loaded(Engine(models, settings))
    if segmentation is None:
        raise WeightsError(
            f"{file} holds neither a classifier nor a segmentation network; choose the models.safetensors "
            "that a run writes"
        )
    blank = CamClassifier(segmentation.backbone, len(classes)).eval()
    nn.init.zeros_(blank.head.weight)
    warning = QCoreApplication.translate(
        "models",
        "{name} holds a segmentation network and no classifier: it makes the masks, and there are no CAMs "
        "until your classes are learnt from the tags.",
    )
    models = Models(classes, blank, segmentation=segmentation, name=file.stem)
    return Loaded(Engine(models, replace(settings, segmentation=True)), warning.format(name=file.name))


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


def _segmentation_of(bundle: Bundle, wanted: ClassList) -> SegmentationNet | None:
    """The segmentation network of a bundle with a row for each class of `wanted`; one that it does not know
    is nowhere.
    """
    network, known = bundle.segmentation, ClassList(bundle.classes)
    if network is None or known.names == wanted.names:
        return network
    pairs = [(0, 0), *((wanted.id_of(n), known.id_of(n)) for n in wanted.names if n in known.names)]
    rows, sources = (list(ids) for ids in zip(*pairs, strict=True))
    state = network.classify.state_dict()
    for key, nothing in (("weight", 0.0), ("bias", NOWHERE)):
        learnt = state[key]
        state[key] = learnt.new_full((1 + len(wanted), *learnt.shape[1:]), nothing)
        state[key][rows] = learnt[sources]
    network.classify = nn.Conv2d(network.classify.in_channels, 1 + len(wanted), 1)
    network.classify.load_state_dict(state)
    return network.eval()
