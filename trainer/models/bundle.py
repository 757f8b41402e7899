"""Our own files: classifier and AffinityNet, or a segmentation network, with everything needed to use them.

One safetensors file holds the tensors under ``classifier.``, ``affinity.`` or ``segmentation.`` and, in its
text metadata, one JSON record: architectures, classes, input convention and notes of the training (`info`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.data.classes import ClassList
from trainer.data.digest import file_digest
from trainer.errors import WeightsError
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import at_stride, build_backbone
from trainer.models.base import Backbone, InputConvention
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.models.state import read_tensors, save_tensors

RECORD = "affinity_annotator"
"""Name of the JSON record in the metadata; a file without it is not a bundle."""

_FORMAT = 1
_RANGES = (("alpha", 0.001, 1000), ("seed_alpha", 0.001, 1000), ("cam_side", 16, 8192), ("scales", 0.05, 8))
"""The settings among the notes, with the smallest and the largest value that can be meant."""


@dataclass(frozen=True)
class Bundle:
    """What a file holds; networks are in evaluation mode, batch norm frozen.

    ``info`` is free for version, recipe, scores and the like. ``file`` and the ``digest`` of its content are
    known of what was read from one.
    """

    classes: tuple[str, ...]
    classifier: CamClassifier | None = None
    affinity: AffinityNet | None = None
    segmentation: SegmentationNet | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    digest: str = ""


def save_models(path: Path, bundle: Bundle, half: bool = False) -> None:
    """Write a bundle in one piece, or nothing.

    A backbone that the others have in common with the classifier is stored once, and shared again after
    loading.

    Args:
        half: store weights (not the norms' statistics) in half precision.

    Raises:
        DataError: the file cannot be written.
    """
    record: dict[str, Any] = {"format": _FORMAT, "classes": list(bundle.classes), "info": dict(bundle.info)}
    tensors: dict[str, Tensor] = {}
    for part in ("classifier", "affinity", "segmentation"):
        network = getattr(bundle, part)
        if network is None:
            continue
        shared = (
            bundle.classifier is not None
            and network is not bundle.classifier
            and _same_weights(bundle.classifier.backbone, network.backbone)
        )
        record[part] = _describe(network) | {"shares_backbone": shared}
        tensors |= {
            f"{part}.{key}": value
            for key, value in network.state_dict().items()
            if not (shared and key.startswith("backbone."))
        }
    save_tensors(path, tensors, {RECORD: json.dumps(record)}, half)


def load_models(path: Path) -> Bundle:
    """Read a file of :func:`save_models`.

    Raises:
        WeightsError: one sentence that names the file: absent, damaged, or not a bundle of this program.
    """
    tensors, metadata = read_tensors(path)
    if RECORD not in metadata:
        raise WeightsError(
            f"{path} holds no models of this program; weights of a backbone are given as weights"
        )
    try:
        record = json.loads(metadata[RECORD])
        if record["format"] > _FORMAT:
            raise WeightsError(f"{path} was written by a newer version of this program; update the program")
        classes = _class_names(record["classes"])
        info = _info(record["info"])
        classifier, affinity, segmentation = None, None, None
        if "classifier" in record:
            classifier = CamClassifier(_backbone(record["classifier"]), len(classes))
            _fill(classifier, "classifier", tensors, record["classifier"])
        if "affinity" in record:
            affinity = AffinityNet(_backbone(record["affinity"], classifier))
            _fill(affinity, "affinity", tensors, record["affinity"])
        if "segmentation" in record:
            described = record["segmentation"]
            width = tensors["segmentation.classify.weight"].shape[1]
            segmentation = SegmentationNet(_backbone(described, classifier), len(classes), width)
            _fill(segmentation, "segmentation", tensors, described)
    except WeightsError:
        raise
    # The record may say anything at all.
    except Exception as error:
        raise WeightsError(
            f"the models in {path} are incomplete or damaged ({_first_line(error)}); "
            "go back to an earlier version of them"
        ) from error
    return Bundle(classes, classifier, affinity, segmentation, info, path, file_digest(path))


def _class_names(names: object) -> tuple[str, ...]:
    if not isinstance(names, list):
        raise ValueError(f"its classes are {names!r}")
    return ClassList(tuple(map(str, names))).names


def _info(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the notes of a file; raises ValueError where settings among them are out of all range."""
    for name, low, high in _RANGES:
        values = info.get(name, low)
        for value in values if isinstance(values, list) else [values]:
            if not low <= float(value) <= high:
                raise ValueError(f"{name} is {value}")
    return info


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _describe(network: CamClassifier | AffinityNet | SegmentationNet) -> dict[str, Any]:
    backbone = network.backbone
    description: dict[str, Any] = {
        "architecture": backbone.name,
        "output_stride": backbone.output_stride,
        "mean": backbone.convention.mean,
        "std": backbone.convention.std,
    }
    if isinstance(network, SegmentationNet):
        description |= {"width": network.classify.in_channels}
    return description


def _backbone(described: Mapping[str, Any], classifier: CamClassifier | None = None) -> Backbone:
    if described["shares_backbone"] and classifier is not None:
        return at_stride(classifier.backbone, described["output_stride"])
    backbone = build_backbone(described["architecture"], described["output_stride"])
    backbone.convention = InputConvention(tuple(described["mean"]), tuple(described["std"]))
    return backbone


def _fill(
    network: CamClassifier | AffinityNet | SegmentationNet,
    prefix: str,
    tensors: Mapping[str, Tensor],
    described: Mapping[str, Any],
) -> None:
    state = {
        key.removeprefix(f"{prefix}."): value
        for key, value in tensors.items()
        if key.startswith(f"{prefix}.")
    }
    if described["shares_backbone"]:  # It is filled already, as the classifier's.
        state |= {f"backbone.{key}": value for key, value in network.backbone.state_dict().items()}
    network.load_state_dict(state)
    network.eval()


def _same_weights(first: Backbone, second: Backbone) -> bool:
    if first is second:
        return True
    other = second.state_dict()
    return first.name == second.name and all(
        value is other[key] or torch.equal(value, other[key]) for key, value in first.state_dict().items()
    )
