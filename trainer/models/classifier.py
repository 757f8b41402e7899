"""The image-level classifier whose weights make class activation maps (paper, section 3.1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.models.base import Backbone


class CamClassifier(nn.Module):
    """Backbone → global average pool → 1×1 convolution without bias.

    Pool and convolution are both linear, so a class's activation map is the convolution without the pool.
    """

    def __init__(self, backbone: Backbone, class_count: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Conv2d(backbone.channels, class_count, 1, bias=False)
        nn.init.normal_(self.head.weight, std=0.01)

    @property
    def class_count(self) -> int:
        """Number of classes, background not among them."""
        return self.head.out_channels

    def features(self, x: Tensor) -> Tensor:
        """Normalised images ``B×3×H×W`` → the deepest map, ``B×channels×h×w``."""
        return self.backbone.deepest(x)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised images ``B×3×H×W`` → logits ``B×class_count``."""
        return self.classify(self.features(x))

    def classify(self, features: Tensor) -> Tensor:
        """Deepest map ``B×channels×h×w`` → logits ``B×class_count``."""
        return self.head(functional.adaptive_avg_pool2d(features, 1)).flatten(1)

    def cam(self, x: Tensor, class_indices: Sequence[int] | None = None) -> Tensor:
        """Class activation maps of normalised images.

        Args:
            x: ``B×3×H×W``.
            class_indices: rows of the head to compute (class id − 1), all by default; may be empty.

        Returns:
            ``B×K×h×w``, ≥ 0, not scaled.
        """
        return self.cam_of(self.features(x), class_indices)

    def cam_of(self, features: Tensor, class_indices: Sequence[int] | None = None) -> Tensor:
        """As :meth:`cam`, from the deepest map ``B×channels×h×w``."""
        weight = self.head.weight
        if class_indices is not None:
            weight = weight[torch.as_tensor(class_indices, dtype=torch.long, device=weight.device)]
        return torch.einsum("kc,bchw->bkhw", weight.flatten(1), features).relu()
