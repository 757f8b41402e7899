"""Which networks the desk works with: a person's choice, the bundled ones, those learnt from tags."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PySide6.QtCore import QCoreApplication
from safetensors import SafetensorError, safe_open
from torch import nn

from trainer.data.classes import ClassList
from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.errors import WeightsError
from trainer.method.settings import Settings
from trainer.models.bundle import RECORD, Bundle, load_models
from trainer.models.classifier import CamClassifier
from trainer.models.registry import BUNDLED
from trainer.models.segnet import SegmentationNet
from trainer.models.weights import load_backbone_weights
from trainer.worker.tag_learning import load_learnt

SHOWN = 5
"""Unknown classes that are named in a sentence; of more it says so."""
NOWHERE = -1e4
"""Score of a class that a segmentation network does not know."""


@dataclass(frozen=True)
class Loaded:
    """An engine, and a sentence about what its weights cannot do ("" when they can all)."""

    engine: Engine
    warning: str = ""


def load_engine(project: Project, weights: str = "") -> Loaded:
    """An engine for the classes of `project`; for a pool thread, it reads and may download.

    `weights` is a file (a backbone, or whole models) or the name of published weights; "" takes what ships
    with the program. What the project has learnt from its tags, beginning with these very weights, is used in
    their place; a segmentation network among them stays in use beside it. Raises WeightsError.
    """
    source = Path(weights) if weights else BUNDLED
    damaged = ""
    try:
        if (learnt := load_learnt(project, source.stem)) is not None:
            models, settings = learnt
            if source.is_file() and _holds_models(source):
                models = replace(models, segmentation=_segmentation_of(load_models(source), project.classes))
            return Loaded(Engine(models, settings))
    except WeightsError as error:
        damaged = QCoreApplication.translate("models", "{problem}. Learn from the tags again.").format(
            problem=str(error).rstrip(".")
        )
    loaded = _load_base(project.classes, source)
    return Loaded(loaded.engine, " ".join(filter(None, (damaged, loaded.warning))))


def _load_base(classes: ClassList, source: Path) -> Loaded:
    """An engine of the weights alone."""
    if source.is_file() and _holds_models(source):
        return _load_bundle(load_models(source), source, classes)
    backbone = load_backbone_weights(source)
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
        return Loaded(Engine(models, settings), _unknown(file, bundle, classes))
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


def _unknown(file: Path, bundle: Bundle, classes: ClassList) -> str:
    """A sentence about the classes that the models of `file` do not know."""
    names = [name for name in classes.names if name not in bundle.classes]
    if not names:
        return ""
    warning = QCoreApplication.translate(
        "models",
        "{name} does not know {classes}: their CAMs are empty until they are learnt from the tags. "
        "Your strokes work all the same.",
    )
    shown = ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
    name = QCoreApplication.translate("models", "The built-in model") if file == BUNDLED else file.name
    return warning.format(name=name, classes=shown)


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
