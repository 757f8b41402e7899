"""Weights to start from: the models that ship with the program, and published weights by name."""

from dataclasses import dataclass

import resources
from trainer.errors import WeightsError
from trainer.models.base import IMAGENET, InputConvention

BUNDLED = resources.path("weights", "affinity_small.safetensors")
"""Classifier of VOC's 20 classes and AffinityNet on a small backbone; the card beside the file says more."""

_TORCHVISION = "https://download.pytorch.org/models/"
_TORCHVISION_LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet"


@dataclass(frozen=True)
class WeightsEntry:
    """A weights file that can be downloaded.

    ``sha256`` is the file's digest or its beginning, ``top1`` the published ImageNet accuracy in percent.
    """

    name: str
    architecture: str
    url: str
    sha256: str
    top1: float
    convention: InputConvention = IMAGENET
    licence: str = _TORCHVISION_LICENCE

    @property
    def file_name(self) -> str:
        """Name of the file on disk."""
        return self.url.rsplit("/", 1)[-1]


OFFICIAL: dict[str, WeightsEntry] = {
    entry.name: entry
    for entry in (
        # torchvision puts the beginning of the digest into the file's name.
        WeightsEntry(
            "mobilenet_v2", "mobilenet_v2", _TORCHVISION + "mobilenet_v2-7ebf99e0.pth", "7ebf99e0", 72.154
        ),
        WeightsEntry(
            "mobilenet_v2-v1", "mobilenet_v2", _TORCHVISION + "mobilenet_v2-b0353104.pth", "b0353104", 71.878
        ),
        WeightsEntry("resnet18", "resnet18", _TORCHVISION + "resnet18-f37072fd.pth", "f37072fd", 69.758),
        WeightsEntry("resnet50", "resnet50", _TORCHVISION + "resnet50-11ad3fa6.pth", "11ad3fa6", 80.858),
        WeightsEntry("resnet50-v1", "resnet50", _TORCHVISION + "resnet50-0676ba61.pth", "0676ba61", 76.130),
    )
}
"""Official ImageNet weights; a name without a suffix stands for the newest."""


def find_entry(name: str) -> WeightsEntry:
    """The entry of that name.

    Raises:
        WeightsError: there is none; the sentence lists those there are.
    """
    if name not in OFFICIAL:
        raise WeightsError(
            f"{name} is neither a weights file nor a known name ({', '.join(OFFICIAL)}); check its spelling"
        )
    return OFFICIAL[name]
