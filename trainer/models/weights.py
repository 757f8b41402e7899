"""Backbone weights from a file: the architecture is recognised, the names translated, everything checked."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from trainer.errors import WeightsError
from trainer.models.backbones import BACKBONES, at_stride, build_backbone
from trainer.models.base import HALF, IMAGENET, Backbone, InputConvention
from trainer.models.bundle import RECORD, Bundle, load_models
from trainer.models.download import DownloadProgress, download
from trainer.models.registry import WeightsEntry, find_entry
from trainer.models.state import load_module, read_tensors, save_module

__all__ = ["load_backbone_weights", "load_module", "save_backbone", "save_module"]

# Where other programs keep a backbone inside their own networks.
_PREFIXES = ("backbone.", "resnet50.")
_SUFFIXES = (".pth", ".pt", ".safetensors", ".ckpt")
_COUNTER = "num_batches_tracked"


def load_backbone_weights(
    source: Path | str,
    output_stride: int | None = None,
    convention: InputConvention | None = None,
    progress: DownloadProgress | None = None,
) -> Backbone:
    """The backbone a weights file is for, carrying its weights, in evaluation mode, batch norm frozen.

    Reads ``.pth`` files of torchvision and DINOv2, safetensors, checkpoints of the public PSA and IRN code,
    and the program's own bundles; heads in them are ignored.

    Args:
        source: the file, or the name of published weights (:data:`trainer.models.registry.OFFICIAL`), which
            are downloaded unless they were before.
        output_stride: see :func:`build_backbone`.
        convention: how the weights want their input; by default what the file says, else torchvision's.
        progress: called during a download, see :data:`DownloadProgress`.

    Raises:
        WeightsError: one sentence that names the file and what is wrong with it.
    """
    path, entry = weights_file(source, progress), _published(source)
    if entry is not None:
        convention = convention or entry.convention
    tensors, metadata = read_tensors(path)
    if RECORD in metadata:
        return at_stride(_backbone_of(load_models(path), path), output_stride)
    tensors = to_backbone_names(tensors)
    name = recognise(tensors, path)
    backbone = build_backbone(name, output_stride)
    known = set(backbone.state_dict())
    backbone.load_state_dict(
        {key: value.float() for key, value in tensors.items() if key in known}, strict=False
    )
    try:
        backbone.convention = convention or _convention_of(metadata, tensors)
    except ValueError as error:
        raise WeightsError(f"{path} says nothing usable of its input ({error}); give another file") from error
    return backbone.eval()


def weights_file(source: Path | str, progress: DownloadProgress | None = None) -> Path:
    """The file of ``source``, itself a file or the name of published weights.

    Those are downloaded unless they were before; raises WeightsError as :func:`load_backbone_weights` does.
    """
    entry = _published(source)
    return Path(source) if entry is None else download(entry, progress=progress)


def save_backbone(
    path: Path, backbone: Backbone, info: Mapping[str, str] | None = None, half: bool = False
) -> None:
    """Write a backbone and its input convention as safetensors, in one piece or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    convention = {
        "architecture": backbone.name,
        "mean": " ".join(map(str, backbone.convention.mean)),
        "std": " ".join(map(str, backbone.convention.std)),
    }
    save_module(path, backbone, {**(info or {}), **convention}, half)


def to_backbone_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of other programs' checkpoints → the backbones' own, which are torchvision's and PSA's."""
    for prefix in _PREFIXES:
        inner = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if any(key.split(".")[0] in _own_roots() for key in inner):
            return inner
    return dict(tensors)


def recognise(tensors: Mapping[str, Tensor], path: Path) -> str:
    """The architecture all of whose tensors are present in the right shape.

    Raises:
        WeightsError: none is; the sentence names the nearest one and the first difference.
    """
    differences = {name: _first_difference(name, tensors) for name in BACKBONES}
    for name, (_, difference) in differences.items():
        if difference is None:
            return name
    nearest = max(differences, key=lambda name: differences[name][0])
    shared, difference = differences[nearest]
    if shared == 0:
        raise WeightsError(
            f"{path} holds weights of none of the known networks ({', '.join(BACKBONES)}): "
            f"its first tensor is called {next(iter(tensors))}; give weights of one of them"
        )
    raise WeightsError(
        f"{path} looks like {nearest} but is another network ({difference}); give weights of {nearest} itself"
    )


def _published(source: Path | str) -> WeightsEntry | None:
    """The entry of published weights; None where ``source`` is a file."""
    path = Path(source)
    if path.exists() or path.suffix in _SUFFIXES or len(path.parts) > 1:
        return None
    return find_entry(str(source))


def _first_difference(name: str, tensors: Mapping[str, Tensor]) -> tuple[int, str | None]:
    """Number of tensors that agree with an architecture, and the first one that does not, in words."""
    expected = _shapes(name)
    agreeing, difference = 0, None
    for key, shape in expected.items():
        if key in tensors and tuple(tensors[key].shape) == shape:
            agreeing += 1
        elif difference is None and key in tensors:
            difference = f"{key} has shape {tuple(tensors[key].shape)} instead of {shape}"
        elif difference is None:
            difference = f"{key} is missing"
    # A deeper sister has all these layers and more of the same kind.
    roots = {key.split(".")[0] for key in expected}
    for key in tensors:
        if difference is None and key.split(".")[0] in roots and key not in expected and _COUNTER not in key:
            difference = f"{key} has no place in it"
    return agreeing, difference


@cache
def _shapes(name: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = build_backbone(name).state_dict()
    return {key: tuple(value.shape) for key, value in state.items() if _COUNTER not in key}


@cache
def _own_roots() -> frozenset[str]:
    return frozenset(key.split(".")[0] for name in BACKBONES for key in _shapes(name))


def _convention_of(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> InputConvention:
    if "mean" in metadata and "std" in metadata:
        return InputConvention(_triple(metadata["mean"]), _triple(metadata["std"]))
    if "127.5" in metadata.get("input", "") or _is_folded_mobilenet(tensors):
        return HALF
    return IMAGENET


def _triple(text: str) -> tuple[float, float, float]:
    first, second, third = (float(part) for part in text.split())
    return first, second, third


def _backbone_of(bundle: Bundle, path: Path) -> Backbone:
    for network in (bundle.classifier, bundle.segmentation, bundle.affinity):
        if network is not None:
            return network.backbone
    raise WeightsError(f"{path} holds no network; give a file with weights")


def _is_folded_mobilenet(tensors: Mapping[str, Tensor]) -> bool:
    """Batch norm folded into its bias: a MobileNet that came through TensorFlow Lite, with its input."""
    variances = [
        value for key, value in tensors.items() if key.startswith("features.") and "running_var" in key
    ]
    return bool(variances) and all(bool((value == 1).all()) for value in variances)
