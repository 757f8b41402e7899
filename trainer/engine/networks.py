"""What the networks make of one image, on one device: each answer is computed once and kept for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from trainer.data.classes import BACKGROUND
from trainer.data.views import resize_to_fit
from trainer.engine.models import Models
from trainer.feature_cache import FeatureCache, content_hash, weights_version
from trainer.learn.segmentation import PREDICTION_SCALES, predict
from trainer.method.grid import grid_of, pool
from trainer.method.settings import Settings
from trainer.method.steps import find_cams, find_seeds
from trainer.models.affinitynet import AffinityNet
from trainer.models.class_rows import learnt_rows, segments
from trainer.models.fuse import fused_for_inference


class View(NamedTuple):
    """An image as the networks see it, no side longer than the settings allow, and its digest."""

    pixels: np.ndarray
    digest: str

    @classmethod
    def of(cls, image: np.ndarray, settings: Settings) -> View:
        """Return the view of a uint8 H×W×3 image."""
        pixels = resize_to_fit(image, settings.max_side)
        return cls(pixels, content_hash(pixels))


class Networks:
    """The networks of `models` on `device`, in evaluation mode, and their answers of late.

    Attributes:
        models: the networks and the classes they are asked for.
        device: where they compute, as torch says it.
        learnt: ids of the classes that the classifier has learnt.
        segmented: ids of the classes that the segmentation network has learnt; empty where there is none.
    """

    def __init__(self, models: Models, device: str) -> None:
        """Take the networks to `device`."""
        self.move(device, models)

    def move(self, device: str, models: Models) -> None:
        """Compute on `device` from now on, with the networks of `models`, which are taken there."""
        self.device, self.models = device, models
        self._cache = FeatureCache()
        self._take_up_classifier()
        self._take_up_segmentation()
        self.replace()

    @property
    def affinity_net(self) -> AffinityNet:
        """The AffinityNet; where none is trained, one with a random head on the classifier's backbone."""
        return self.models.affinity or self._blank

    def replace(self, **changes: Any) -> None:
        """Swap the models named in `changes` (fields of `Models`); what the others answered stays valid."""
        former = self.models
        self.models = replace(former, **changes)
        if self.models.classifier is not former.classifier:
            self._take_up_classifier()
        if self.models.segmentation is not former.segmentation:
            self._take_up_segmentation()
        self.affinity_net.to(self.device).eval()

    def _take_up_classifier(self) -> None:
        classifier = self.models.classifier.to(self.device).eval()
        self._fused = fused_for_inference(classifier)
        self._blank = AffinityNet(classifier.backbone)
        self.learnt = frozenset(1 + row for row in learnt_rows(classifier.head))
        self._digests: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()

    def _take_up_segmentation(self) -> None:
        network = self.models.segmentation
        shared: dict[nn.Module, nn.Module] = {self.models.classifier.backbone: self._fused.backbone}
        self._segmenter = None if network is None else fused_for_inference(network.to(self.device), shared)
        rows = () if network is None else learnt_rows(network.classify)
        self.segmented = frozenset(rows) - {BACKGROUND}

    def digest(self, module: nn.Module) -> str:
        """Return the digest of a network's weights."""
        if module not in self._digests:
            self._digests[module] = weights_version(module)
        return self._digests[module]

    def segments(self, classes: Sequence[int]) -> bool:
        """Tell whether the segmentation network makes the masks of these classes."""
        network = self.models.segmentation
        return network is not None and segments(network, self.models.classifier, classes)

    # -- Answers ---------------------------------------------------------------------------------------------

    def cams(self, view: View, classes: tuple[int, ...], settings: Settings, fast: bool) -> np.ndarray:
        """Return CAMs K×H'×W' in [0, 1]; 0 for a class the classifier has not learnt."""
        weights = self.digest(self.models.classifier)

        def kept(scale: float, make: Callable[[], Tensor]) -> Tensor:
            return self._cache.get(("cams", view.digest, weights, classes, scale, settings.cam_side), make)

        return find_cams(self._fused, view.pixels, classes, settings, fast, kept)

    def seeds(
        self, view: View, cams: np.ndarray, classes: tuple[int, ...], settings: Settings, fast: bool
    ) -> Callable[[], np.ndarray]:
        """Return what makes seed cues, uint8 H'×W', of CAMs; in the full pass the dense CRF refines them
        where the settings say so.
        """
        if fast or not settings.seed_crf or not classes:
            return lambda: find_seeds(cams, view.pixels, classes, settings, fast)
        made_of = (
            *(settings.scales, settings.cam_side, settings.crf),
            *(settings.alpha_low, settings.alpha_high, settings.threshold),
        )
        key = "seeds", view.digest, self.digest(self.models.classifier), classes, *made_of
        return lambda: self._cache.get(key, lambda: find_seeds(cams, view.pixels, classes, settings))

    def segmentation(self, view: View, classes: tuple[int, ...], side: int, fast: bool) -> np.ndarray:
        """Return the segmentation network's probabilities, float32 (K+1)×h×w on the feature grid, background
        first; 0 for a class it has not learnt.

        The longer side of what it sees is at most `side` pixels; `fast` takes one scale.
        """
        network, grid = self._segmenter, grid_of(view.pixels.shape)
        assert network is not None
        learnt = [class_id for class_id in classes if class_id in self.segmented]
        scores = np.zeros((1 + len(classes), *grid), np.float32)
        scores[0] = 1
        if learnt:
            photo = resize_to_fit(view.pixels, side)
            made_of = "predicted", view.digest, self.digest(network), tuple(learnt), side

            def seen(scale: float) -> np.ndarray:
                return pool(predict(network, photo, learnt, (scale,)), grid)

            parts = [
                self._cache.get((*made_of, scale), partial(seen, scale))
                for scale in ((1.0,) if fast else PREDICTION_SCALES)
            ]
            scores[[0, *(1 + classes.index(class_id) for class_id in learnt)]] = np.mean(parts, axis=0)
        return scores

    def shares(self, view: View, side: int) -> np.ndarray:
        """Return the part of the image, in [0, 1], that the segmentation network gives to each class, from
        id 1 on; `side` as in `segmentation`.
        """
        network = self._segmenter
        assert network is not None

        def compute() -> np.ndarray:
            labels = predict(network, resize_to_fit(view.pixels, side), scales=(1.0,)).argmax(axis=0)
            return np.bincount(labels.ravel(), minlength=network.classify.out_channels)[1:] / labels.size

        return self._cache.get(("shares", view.digest, self.digest(network), side), compute)

    def probabilities(self, view: View) -> np.ndarray:
        """Return the probability, float32, of each class of the classifier; 0 for one it has not learnt."""

        @torch.inference_mode()
        def compute() -> np.ndarray:
            pixels = self._fused.backbone.convention.normalise(view.pixels).to(self.device)
            found = self._fused(pixels)[0].sigmoid().cpu().numpy()
            learnt = [class_id in self.learnt for class_id in range(1, 1 + len(found))]
            return np.where(learnt, found, 0)

        weights = self.digest(self.models.classifier)
        return self._cache.get(("probabilities", view.digest, weights), compute)

    def taps(self, view: View) -> Callable[[], tuple[Tensor, ...]]:
        """Return what makes the inputs 1×C×h×w of the AffinityNet's head."""
        net = self.affinity_net
        shared = net.backbone is self.models.classifier.backbone
        backbone = self._fused.backbone if shared else net.backbone

        def compute() -> tuple[Tensor, ...]:
            pixels = backbone.convention.normalise(view.pixels).to(self.device)
            # Not inference mode: a head is trained on these.
            with torch.no_grad():
                return net.align(backbone(pixels, backbone.affinity_taps), pixels.shape[-2:])

        key = "taps", view.digest, self.digest(net.backbone)
        return lambda: self._cache.get(key, compute)
