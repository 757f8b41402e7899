"""The networks a project has learnt from corrections, as numbered files beside it.

Only heads are stored: the backbone is not trained here, and a digest of it tells whether they fit. A version
is one head for use and one for each fold of the corrected photos, which has not learnt from these: by them
the next version is judged.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from trainer.data.project import ModelVersion, Project
from trainer.engine import Engine
from trainer.errors import WeightsError
from trainer.feature_cache import weights_version
from trainer.method.settings import SEGMENTATION_FROM
from trainer.models.class_rows import learnt_rows
from trainer.models.state import load_module, read_tensors, save_module
from trainer.worker.affinity_subject import AffinitySubject
from trainer.worker.segmentation_subject import SegmentationSubject
from trainer.worker.subject import Subject

FOLDS = 2
"""Parts of the corrected photos, each of which is judged by a network that has not learnt from it."""
SUBJECTS = (SegmentationSubject, AffinitySubject)


@dataclass(frozen=True)
class Taught:
    """What a version consists of.

    Attributes:
        net: the network for use; None: what there is without any (`Subject.network`).
        folds: networks that have not learnt from the photos of their fold.
        fold_of: the fold of each photo that was learnt from, by id.
        alpha: the background exponent that fits; None: the one in use.
    """

    net: Any
    folds: tuple[Any, ...]
    fold_of: Mapping[str, int] = field(default_factory=dict)
    alpha: float | None = None


def subject_of(engine: Engine, photos: int, corrected: Collection[str] = ()) -> Subject:
    """Return what corrections teach in a project of so many tagged photos, `corrected` being the classes of
    those that a person corrected.

    It is the segmentation network that makes the masks or, where there are enough photos, one that may take
    the place of propagation. With fewer photos one may show the classes that no network knows, beside
    propagation; where they are all known, AffinityNet is taught.
    """
    models, classes = engine.models, engine.models.classes
    if models.segmentation is not None and not engine.settings.segmentation:
        return AffinitySubject(engine)
    known = {1 + row for row in learnt_rows(models.classifier.head)}
    segmented = set() if models.segmentation is None else {*learnt_rows(models.segmentation.classify)}
    if photos >= SEGMENTATION_FROM or segmented & known:
        return SegmentationSubject(engine)
    new = {classes.id_of(name) for name in corrected if name in classes} - known
    return SegmentationSubject(engine, only_new=True) if segmented or new else AffinitySubject(engine)


def save_version(project: Project, subject: Subject, taught: Taught, score: float, note: str) -> ModelVersion:
    """Write the project's next version, whole or not at all, and make it the current one."""
    number = 1 + max((version.number for version in project.model_versions()), default=0)
    file = project.models_dir / f"{subject.name}-v{number:04d}.safetensors"
    metadata = {
        "backbone": weights_version(taught.net.backbone),
        "fold_of": json.dumps(dict(taught.fold_of)),
        "classes": str(subject.classes),
        "alpha": json.dumps(taught.alpha),
    }
    save_module(file, _heads(subject, (taught.net, *taught.folds)), metadata)
    return project.add_model_version(file, score, note)


def load_version(version: ModelVersion, engine: Engine) -> tuple[Subject, Taught]:
    """Return what a version teaches of an engine, and what it consists of, on the engine's backbones.

    Raises WeightsError when its file is missing, damaged, or was learnt on another backbone.
    """
    kind = next((kind for kind in SUBJECTS if version.file.name.startswith(f"{kind.name}-")), None)
    if kind is None:
        raise WeightsError(
            f"{version.file} is of a network that is not in use; learn from corrections again."
        )
    subject = kind(engine)
    _, metadata = read_tensors(version.file)
    if "fold_of" not in metadata:
        raise WeightsError(f"{version.file} was learnt by an older version of the program.")
    net, *folds = nets = [subject.blank(int(metadata["classes"])) for _ in range(1 + FOLDS)]
    load_module(version.file, _heads(subject, nets))
    if metadata.get("backbone") != weights_version(net.backbone):
        raise WeightsError(
            f"{version.file} was learnt on other weights; open the project with those it began with."
        )
    alpha = json.loads(metadata.get("alpha", "null"))
    return subject, Taught(net, tuple(folds), json.loads(metadata["fold_of"]), alpha)


def newest_sound(
    project: Project, engine: Engine, number: int
) -> tuple[int, tuple[Subject, Taught] | None, str]:
    """Load version `number`, or the newest older one that can be loaded: its number, what it is, and a note.

    The number is 0 where there is none left: the model without any fine-tuning. The note says what was passed
    over and why, and is empty as a rule.
    """
    problems: list[str] = []
    for version in reversed(project.model_versions()):
        if version.number > number:
            continue
        try:
            return version.number, load_version(version, engine), " ".join(problems)
        except WeightsError as error:
            problems.append(str(error))
    return 0, None, " ".join(problems)


def _heads(subject: Subject, nets: Sequence[Any]) -> nn.ModuleList:
    return nn.ModuleList(subject.head(net) for net in nets)
