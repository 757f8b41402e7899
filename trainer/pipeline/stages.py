"""The stages of the method for one image of a data set; each reads what the one before left behind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from trainer.data.classes import BACKGROUND, ClassList
from trainer.data.images import load_image
from trainer.data.source import Item
from trainer.data.views import Views
from trainer.learn.segmentation import predict
from trainer.method.affinity import pair_affinity
from trainer.method.calibration import Cover, refined_cover, walked_cover
from trainer.method.cam import multi_scale_cam, with_background
from trainer.method.crf import DenseCRF
from trainer.method.grid import grid_of, majority, pool
from trainer.method.masks import label_map, remove_small_regions
from trainer.method.propagation import Walk, mean_affinity
from trainer.method.seeds import seed_cues
from trainer.method.settings import Mode, Settings
from trainer.models.affinitynet import AffinityNet
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.pipeline.run_folder import RunFolder

STAGE_OF_MODE: dict[Mode, str] = {"walk": "walk", "mean": "mean-affinity"}
"""Name of the stage that propagates, by mode."""
CRF_OF = {"walk": "crf", "mean-affinity": "crf", "segnet": "segnet-crf"}
"""Name of the stage that refines the scores of another by the dense CRF."""
STAGE_NAMES = ("cam", "walk", "mean-affinity", "crf", "segnet", "segnet-crf")
"""Stages that end in a label map, in the order of the method."""


class Stages:
    """The stages over the images `items`, addressed by their index.

    Results are kept at the size the networks see (`views`), propagated scores on the feature grid; `labels`
    gives any of them as a label map of the image's own size.
    """

    def __init__(
        self, items: Sequence[Item], classes: ClassList, folder: RunFolder, settings: Settings, device: str
    ) -> None:
        self.items, self.classes, self.folder, self.settings = items, classes, folder, settings
        self.device = device
        self.views = Views([item.image_path for item in items], settings.max_side)

    def ids(self, index: int) -> tuple[int, ...]:
        """Return the class ids of the image's tags; none where it has no tags."""
        return tuple(self.classes.id_of(name) for name in self.items[index].tags or ())

    def done(self, stage: str, index: int) -> bool:
        """Tell whether an earlier run has done this."""
        return self.folder.has(stage, self.items[index].id)

    def make_cam(self, classifier: CamClassifier, index: int) -> None:
        """Make ``cam``: float K×H×W."""
        rows = [class_id - 1 for class_id in self.ids(index)]
        settings = self.settings
        cams = multi_scale_cam(classifier, self.views[index], rows, settings.scales, side=settings.cam_side)
        self.folder.save_array("cam", self.items[index].id, cams)

    def make_seeds(self, index: int) -> None:
        """Make ``seeds``: uint8 H×W."""
        settings = self.settings
        refine = self.crf(index).infer if settings.seed_crf else None
        alphas = settings.alpha_low, settings.alpha_high, settings.threshold
        seeds = seed_cues(self.cams(index), self.ids(index), *alphas, refine)
        self.folder.save_labels("seeds", self.items[index].id, seeds)

    def propagate(self, net: AffinityNet, mode: Mode, index: int) -> None:
        """Make ``walk`` or ``mean-affinity``: scores (K+1)×h×w on the feature grid."""
        settings = self.settings
        grid = grid_of(self.views[index].shape)
        features = self._features(net, index)
        if mode == "mean":
            seeds = majority(self.seeds(index), grid)
            scores = mean_affinity(features[0], seeds, (BACKGROUND, *self.ids(index)))
        else:
            start = pool(with_background(self.cams(index), settings.alpha), grid)
            scores = Walk(pair_affinity(features)[0], settings.beta).propagate(start, settings.steps)
        self.folder.save_array(STAGE_OF_MODE[mode], self.items[index].id, scores)

    def make_crf(self, stage: str, index: int) -> None:
        """Make ``crf`` or ``segnet-crf`` from the scores of `stage`: uint8 labels of the image's own size,
        without specks.
        """
        item = self.items[index]
        scores = self.folder.array(stage, item.id)
        channels = label_map(scores, load_image(item.image_path), self.settings, crf=True)
        labels = self._named(remove_small_regions(channels, self.settings.smallest_part), index)
        self.folder.save_labels(CRF_OF[stage], item.id, labels)

    def segment(self, net: SegmentationNet, index: int) -> None:
        """Make ``segnet``: probabilities (K+1)×H×W of background and the tagged classes."""
        probabilities = predict(net, self.views[index], self.ids(index))
        self.folder.save_array("segnet", self.items[index].id, probabilities)

    def refined_cover(self, index: int) -> Cover:
        """Return what the image's CAMs cover by α, after the dense CRF."""
        return refined_cover(self.cams(index), self.crf(index).infer)

    def walked_cover(self, net: AffinityNet, index: int) -> Cover:
        """Return what the image's CAMs cover by α, after the walk."""
        walk = Walk(pair_affinity(self._features(net, index))[0], self.settings.beta)
        return walked_cover(self.cams(index), walk, self.settings.steps)

    def crf(self, index: int) -> DenseCRF:
        """Return the dense CRF of the seed cues."""
        return DenseCRF(self.views[index], self.settings.crf)

    def cams(self, index: int) -> np.ndarray:
        """Return the CAMs, float32 K×H×W."""
        return self.folder.array("cam", self.items[index].id)

    def seeds(self, index: int) -> np.ndarray:
        """Return the seed cues, uint8 H×W."""
        return self.folder.labels("seeds", self.items[index].id)

    def labels(self, stage: str, index: int) -> np.ndarray:
        """Return a stage's label map, uint8, at the image's own size."""
        item = self.items[index]
        if stage in CRF_OF.values():
            return self.folder.labels(stage, item.id)
        scores = self.folder.array(stage, item.id)
        if stage == "cam":
            scores = with_background(scores, self.settings.alpha)
        image = load_image(item.image_path)
        if scores.shape[1:] == image.shape[:2]:
            return self._named(scores.argmax(axis=0), index)
        return self._named(label_map(scores, image, self.settings, crf=False), index)

    @torch.inference_mode()
    def _features(self, net: AffinityNet, index: int) -> torch.Tensor:
        inputs = net.backbone.convention.normalise(self.views[index]).to(self.device)
        return net(inputs.contiguous(memory_format=torch.channels_last))

    def _named(self, channels: np.ndarray, index: int) -> np.ndarray:
        return np.array([BACKGROUND, *self.ids(index)], np.uint8)[channels]
