"""The networks the desk uses: chosen by the user, bundled, or learnt from tags."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from safetensors import SafetensorError, safe_open

from trainer.data.classes import ClassList
from trainer.data.digest import file_digest
from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.errors import WeightsError
from trainer.method.strokes import few_threads
from trainer.models.bundle import RECORD, Bundle, load_models
from trainer.models.class_rows import empty_classifier, learnt_rows
from trainer.models.registry import BUNDLED
from trainer.models.weights import load_backbone_weights, weights_file
from trainer.worker.tag_learning import load_learnt

SHOWN = 5
"""Unknown classes that are named in a sentence; of more it says so."""


@dataclass(frozen=True)
class Loaded:
    """An engine, and a sentence on the limits of its weights ("" if there are none)."""

    engine: Engine
    warning: str = ""


def load_engine(project: Project, weights: str = "") -> Loaded:
    """An engine for the classes of `project`; for a pool thread, it reads and may download.

    `weights` is a file (a backbone, or whole models) or the name of published weights; "" takes what ships
    with the program. What the project has learnt from its tags, beginning with these very weights, is used in
    their place; a segmentation network among them stays in use where none was learnt. Raises WeightsError.
    """
    classes = project.classes
    with few_threads():
        return _load(project, classes, weights)


def _load(project: Project, classes: ClassList, weights: str) -> Loaded:
    base = _base(weights, classes)
    warnings = [_lacks(base, classes)]
    try:
        if (learnt := load_learnt(project, base.digest)) is not None:
            return Loaded(_learnt_engine(learnt, base, classes))
    except WeightsError as error:
        damaged = QCoreApplication.translate("models", "{problem}. Learn from the tags again.")
        warnings.insert(0, damaged.format(problem=str(error).rstrip(".")))
    return Loaded(Engine.from_bundle(base, classes), " ".join(filter(None, warnings)))


def _base(weights: str, classes: ClassList) -> Bundle:
    """The models of a file; a backbone alone gets a classifier that has not learnt anything yet."""
    file = weights_file(weights or BUNDLED)
    if _holds_models(file):
        return load_models(file)
    blank = empty_classifier(load_backbone_weights(weights), len(classes))
    return Bundle(classes.names, blank, file=file, digest=file_digest(file))


def _learnt_engine(learnt: Bundle, base: Bundle, classes: ClassList) -> Engine:
    """An engine of what was learnt from tags, with the segmentation network of the models it began with."""
    engine = Engine.from_bundle(learnt, classes)
    engine.replace_models(base=base.digest)
    if engine.models.segmentation is None and base.segmentation is not None:
        engine.replace_models(segmentation=Models.from_bundle(base, classes).segmentation)
    return engine


def _lacks(bundle: Bundle, classes: ClassList) -> str:
    """A sentence on the limits of models, "" for none."""
    assert bundle.file is not None
    name = bundle.file.name
    if bundle.classifier is None:
        warning = QCoreApplication.translate(
            "models",
            "{name} holds a segmentation network and no classifier: it makes the masks, and there are no "
            "CAMs until your classes are learnt from the tags.",
        )
        return warning.format(name=name)
    if not learnt_rows(bundle.classifier.head):
        warning = QCoreApplication.translate(
            "models",
            "{name} has not learnt your classes: there are no CAMs until they are learnt from the tags. "
            "Your strokes work all the same.",
        )
        return warning.format(name=name)
    called = classes.names_in(bundle.classes)
    unknown = [classes.name_of(id) for id in classes.order if called[id - 1] not in bundle.classes]
    if not unknown:
        return ""
    warning = QCoreApplication.translate(
        "models",
        "{name} does not know {classes}: their CAMs are empty until they are learnt from the tags. "
        "Your strokes work all the same.",
    )
    if bundle.file == BUNDLED:
        name = QCoreApplication.translate("models", "The built-in model")
    return warning.format(name=name, classes=", ".join(unknown[:SHOWN]) + (" …" if unknown[SHOWN:] else ""))


def _holds_models(file: Path) -> bool:
    """Whether a file holds whole models of this program, not just a backbone."""
    try:
        with safe_open(file, "pt") as tensors:
            return RECORD in (tensors.metadata() or {})
    except (OSError, SafetensorError):  # loading it as a backbone tells what is wrong
        return False
