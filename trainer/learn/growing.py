"""A deeper network begins where a shallower one ended: layers added to it do nothing at first."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from trainer.errors import WeightsError
from trainer.models.base import Backbone
from trainer.models.mobilenet import InvertedResidual
from trainer.models.state import read_tensors


def grow_from(student: Backbone, path: Path) -> None:
    """Give `student` the weights of a shallower one; the two compute the same maps afterwards.

    Layers are matched in order, by the shapes of their weights. A layer of the student that the file lacks
    must be residual: the scale of its branch's last norm begins at zero.

    Raises:
        WeightsError: the file is damaged, or is not of a shallower network of the same kind.
    """
    given = list(_layers(read_tensors(path)[0]).values())
    following = 0
    for name, wanted in _layers(student.state_dict()).items():
        layer = student.get_submodule(name)
        if following < len(given) and _shapes(given[following]) == _shapes(wanted):
            layer.load_state_dict({key: value.float() for key, value in given[following].items()})
            following += 1
        else:
            _silence(layer, path)
    if following < len(given):
        raise WeightsError(f"{path} is not of a shallower {student.name}; choose an earlier student's file")


def _layers(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """``features.3.conv.0.weight`` → ``{"features.3": {"conv.0.weight": …}}``, in the layers' order."""
    numbers = sorted({int(key.split(".")[1]) for key in tensors if key.startswith("features.")})
    return {
        f"features.{number}": {
            key.removeprefix(f"features.{number}."): value
            for key, value in tensors.items()
            if key.startswith(f"features.{number}.")
        }
        for number in numbers
    }


def _shapes(layer: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in layer.items()}


def _silence(layer: nn.Module, path: Path) -> None:
    if not isinstance(layer, InvertedResidual) or not layer.residual:
        raise WeightsError(
            f"{path} lacks a layer that cannot begin at zero; choose an earlier student's file"
        )
    nn.init.zeros_(layer.conv[-1].get_parameter("weight"))
