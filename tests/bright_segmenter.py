"""A segmentation network whose answer is known beforehand."""

from torch import Tensor

from trainer.models.backbones import build_backbone
from trainer.models.segnet import SegmentationNet


class BrightSegmenter(SegmentationNet):
    """Takes bright pixels for one class, all others for background."""

    def __init__(self, class_id: int, class_count: int) -> None:
        super().__init__(build_backbone("mobilenet_v2"), class_count, width=16)
        self.class_id = class_id
        self.eval()

    def forward(self, x: Tensor, every: int = 1) -> Tensor:
        """Normalised images B×3×H×W → logits."""
        x = x[..., ::every, ::every]
        brightness = x.mean(dim=1)
        logits = x.new_full((len(x), self.classify.out_channels, *x.shape[2:]), -50)
        logits[:, 0], logits[:, self.class_id] = -5 * brightness, 5 * brightness
        return logits
