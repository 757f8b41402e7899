"""Weights to start from: the models that ship with the program, and published weights by name."""

from dataclasses import dataclass

import resources
from trainer.errors import WeightsError
from trainer.models.base import IMAGENET, InputConvention

BUNDLED = resources.path("weights", "affinity_small.safetensors")
"""Classifier of VOC's 20 classes and AffinityNet on a small backbone; the card beside the file says more."""

BUNDLED_STROKES = resources.path("weights", "stroke_net.safetensors")
"""Stroke network, trained on masks of objects without their class names; see the card beside the file."""

_TORCHVISION = "https://download.pytorch.org/models/"
_TORCHVISION_LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet"


@dataclass(frozen=True)
class WeightsEntry:
    """A weights file that can be downloaded.

    ``sha256`` is the digest of the whole file, 64 hexadecimal digits. Of torchvision's files the first eight
    are published, in the file's name; the others were taken from several independent public records of the
    same file, which agree. ``top1`` is the published ImageNet accuracy in percent; DINOv2's is that of a
    linear classifier on frozen features, since it was trained without labels.
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


def _torchvision(name: str, sha256: str, top1: float) -> WeightsEntry:
    """Return the entry of one of torchvision's files, named after its architecture and digest."""
    architecture = name.split("-")[0]
    return WeightsEntry(name, architecture, f"{_TORCHVISION}{architecture}-{sha256[:8]}.pth", sha256, top1)


OFFICIAL: dict[str, WeightsEntry] = {
    entry.name: entry
    for entry in (
        _torchvision(
            "mobilenet_v2", "7ebf99e03e254b273379b23edca7ec0da9f48273b23a332b93c1c99d49e86e8f", 72.154
        ),
        _torchvision(
            "mobilenet_v2-v1", "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889", 71.878
        ),
        _torchvision("resnet18", "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec", 69.758),
        _torchvision("resnet50", "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca", 80.858),
        _torchvision(
            "resnet50-v1", "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a", 76.130
        ),
        WeightsEntry(
            "dinov2_vits14",
            "vit_small_14",
            "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth",
            "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
            81.1,
            licence="Apache-2.0 (DINOv2, Meta AI); trained on LVD-142M without labels",
        ),
    )
}
"""Published weights; a name without a suffix stands for the newest."""


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
