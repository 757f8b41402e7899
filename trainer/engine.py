"""Image + tags → `Proposal`: the whole method behind one call, without Qt, a project or a disk."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from trainer.data.classes import BACKGROUND, ClassList
from trainer.data.regions import remove_small_regions
from trainer.data.views import resize_to_fit
from trainer.devices import CPU
from trainer.errors import DataError, WeightsError
from trainer.feature_cache import FeatureCache, content_hash, weights_version
from trainer.learn.segmentation import PREDICTION_SCALES, predict
from trainer.method.cam import with_background
from trainer.method.grid import grid_of, pool, resize_nearest
from trainer.method.masks import with_tagged_classes
from trainer.method.propagation import Evidence
from trainer.method.propagations import SEGMENTATION
from trainer.method.settings import Settings
from trainer.method.steps import find_cams, find_seeds, make_mask, standardised
from trainer.method.strokes import PhotoEmbedding, StrokeModel
from trainer.models.affinitynet import AffinityNet
from trainer.models.bundle import Bundle, load_models
from trainer.models.class_rows import empty_classifier, learnt_rows, segments, with_classes
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import fused_for_inference
from trainer.models.registry import BUNDLED
from trainer.models.segnet import SegmentationNet
from trainer.proposal import Proposal, Spreading, Suggestion, disagreement
from trainer.translatable import TranslatableText, join_texts, translatable

__all__ = ["Engine", "Evidence", "Models", "Proposal", "Suggestion"]

UNTRAINED = translatable("No AffinityNet is trained yet: the mask follows the features of the classifier.")
LIKELY = 0.7
"""Probability from which the classifier suggests a tag: nine of ten are then right (250 photos of VOC that
the bundled one has not seen: precision 0.92, recall 0.63)."""
VISIBLE = 0.01
"""Part of the image from which the segmentation network suggests a tag."""


@dataclass(frozen=True)
class Models:
    """The networks a proposal comes from.

    Row i of the classifier's head is class id i + 1; a class whose row is empty, or that is beyond its last
    row, has no CAM and is segmented from strokes alone. `affinity` is None until an AffinityNet has been
    trained. `segmentation`, where there is one, can make the masks in the place of propagation; of its rows
    the first is background. `digest` tells the file they were read from: what was found for one is not for
    another. `base` is that of the file which learning from tags began with.
    """

    classes: ClassList
    classifier: CamClassifier
    affinity: AffinityNet | None = None
    segmentation: SegmentationNet | None = None
    version: int = 0
    digest: str = ""
    base: str = ""

    @classmethod
    def from_bundle(cls, bundle: Bundle, classes: ClassList | None = None) -> Models:
        """Return the networks of a file, their rows matched by name to `classes`; None or an empty list
        stands for the file's own.

        A segmentation network alone goes with a classifier that has learnt nothing. Raises WeightsError where
        there is neither.
        """
        classes = classes or ClassList(bundle.classes)
        matched = with_classes(bundle, classes.names_in(bundle.classes))
        classifier, segmentation = matched.classifier, matched.segmentation
        if classifier is None and segmentation is not None:
            classifier = empty_classifier(segmentation.backbone, len(classes))
        if classifier is None:
            raise WeightsError(
                f"{bundle.file or 'this bundle'} holds neither a classifier nor a segmentation network; "
                "choose the models.safetensors that a run writes"
            )
        return cls(
            classes, classifier, matched.affinity, segmentation, digest=bundle.digest, base=bundle.digest
        )

    @property
    def device(self) -> str:
        """Where the networks are, as torch says it."""
        return str(self.classifier.head.weight.device)

    def copied_to(self, device: str) -> Models:
        """Return copies of the networks on a device; what they share, the copies share as well."""
        copies = copy.deepcopy((self.classifier, self.affinity, self.segmentation))
        for network in copies:
            if network is not None:
                network.to(device)
        classifier, affinity, segmentation = copies
        return replace(self, classifier=classifier, affinity=affinity, segmentation=segmentation)


class View(NamedTuple):
    """An image as the networks see it, no side longer than the settings allow, and its digest."""

    pixels: np.ndarray
    digest: str


class Engine:
    """Turns images and tags into proposals: `from_bundle` makes one of a file of models.

    Pure but for its cache: the same models, settings and image give the same proposal. One engine serves one
    thread; the proposals it returns may be used on any. `settings` may be replaced at any time.
    """

    def __init__(self, models: Models, settings: Settings | None = None, device: str = CPU) -> None:
        """Take the networks to `device` and put them into evaluation mode."""
        self.settings = settings or Settings()
        self.strokes = StrokeModel.bundled()
        self._embedding: tuple[str, PhotoEmbedding] | None = None
        self.move(device, models)

    @classmethod
    def from_bundle(
        cls,
        bundle: Bundle,
        classes: ClassList | None = None,
        settings: Settings | None = None,
        device: str = CPU,
    ) -> Engine:
        """Return the engine of a file of models (`load_models`).

        Args:
            bundle: networks with all that belongs to them, such as the exponents α that fit them. classes:
            those wanted, matched by name, in any order. One that the models have not learnt is segmented from
            strokes. None or an empty list: the bundle's own. settings: instead of those that come with the
            models. device: where to compute.

        Raises WeightsError where there is neither a classifier nor a segmentation network.
        """
        if settings is None:
            settings = Settings.fitting(bundle.info)
            if bundle.classifier is None:
                settings = replace(settings, segmentation=True)
        return cls(Models.from_bundle(bundle, classes), settings, device)

    @classmethod
    def bundled(
        cls, classes: ClassList | None = None, settings: Settings | None = None, device: str = CPU
    ) -> Engine:
        """Return the engine of the models that ship with the program; arguments as in `from_bundle`."""
        return cls.from_bundle(load_models(BUNDLED), classes, settings, device)

    # -- Models ----------------------------------------------------------------------------------------------

    def move(self, device: str, models: Models) -> None:
        """Compute on `device` from now on, with the networks of `models`, which are taken there."""
        self.device, self.models = device, models
        self._cache = FeatureCache()
        self._take_up_classifier()
        self._take_up_segmentation()
        self.replace_models()

    @property
    def affinity_net(self) -> AffinityNet:
        """The AffinityNet; where none is trained, one with a random head on the classifier's backbone."""
        return self.models.affinity or self._blank

    def replace_models(self, **changes: Any) -> None:
        """Swap the models named in `changes` (fields of `Models`); cached features stay valid."""
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
        self._learnt = {1 + row for row in learnt_rows(classifier.head)}
        self._digests: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()

    def _take_up_segmentation(self) -> None:
        network = self.models.segmentation
        shared: dict[nn.Module, nn.Module] = {self.models.classifier.backbone: self._fused.backbone}
        self._segmenter = None if network is None else fused_for_inference(network.to(self.device), shared)
        self._segmented = set() if network is None else {*learnt_rows(network.classify)} - {BACKGROUND}

    # -- Proposals -------------------------------------------------------------------------------------------

    def propose(self, image: np.ndarray, tags: Iterable[str | int], fast: bool = False) -> Proposal:
        """Propose a mask for a uint8 H×W×3 RGB `image` that shows the classes `tags` (names or ids).

        `fast` takes one scale and no CRF: the desk's first answer. No tags: all background.
        Raises DataError for a tag that is not in the class list.
        """
        settings, classes = self.settings, self._ids(tags)
        view = self._view(image, settings)
        spreading = self._spreading(view, classes, settings, fast)
        source = settings.mode
        if settings.segmentation and self._segmenter is not None and self._segments(classes):
            source, scores = SEGMENTATION, self._predicted(self._segmenter, view, classes, fast)
        else:
            scores = spreading.scores()
        labels = BACKGROUND, *classes
        propagated = make_mask(scores, image, labels, settings, crf=settings.last_crf and not fast)
        propagated = with_tagged_classes(propagated, spreading.cams, classes)
        embedding = self._embedded(image, view)
        mask = propagated
        if settings.refine:
            mask = remove_small_regions(self.strokes.propose(embedding, propagated), settings.smallest_part)
        return Proposal(
            classes=classes,
            mask=mask,
            propagated=propagated,
            scores=scores,
            source=source,
            margin=0.0 if fast else self._usefulness(mask, embedding, spreading.cams, classes),
            fast=fast,
            smallest_part=settings.smallest_part,
            note=self._note(classes, source),
            stroke_model=self.strokes,
            embedding=embedding,
            spreading=spreading,
        )

    def origin(self, tags: Iterable[str | int]) -> str:
        """Return a digest of what a full proposal is made of but for the image: tags, settings, networks."""
        models = self.models
        networks = models.classifier, models.affinity, models.segmentation
        digests = [None if network is None else self._digest(network) for network in networks]
        made_of = repr((tuple(tags), self.settings, digests))
        return hashlib.blake2b(made_of.encode(), digest_size=16).hexdigest()

    def cams(self, image: np.ndarray, tags: Iterable[str | int]) -> np.ndarray:
        """Return the CAMs K×H'×W' in [0, 1] of a full proposal for `image`; arguments as in `propose`."""
        return self._cams(self._view(image, self.settings), self._ids(tags), self.settings, fast=False)

    def evidence(self, image: np.ndarray, tags: Iterable[str | int], alpha: float | None = None) -> Evidence:
        """Return what a full proposal for `image` starts from; arguments as in `propose`.

        `alpha` is another background exponent of the walk than that of the settings.
        """
        settings = self.settings if alpha is None else replace(self.settings, alpha=alpha)
        return self._spreading(self._view(image, settings), self._ids(tags), settings, fast=False).evidence

    def taps(self, image: np.ndarray) -> tuple[Tensor, ...]:
        """Return the inputs 1×C×h×w of the AffinityNet's head for a uint8 H×W×3 image."""
        return self._find_taps(self._view(image, self.settings))()

    @torch.inference_mode()
    def features(self, taps: Sequence[Tensor], net: AffinityNet | None) -> Tensor:
        """Return features C×h×w whose distances are affinities: those of `net`, or else of the taps."""
        return standardised(taps) if net is None else net.embed(taps)[0]

    def suggest_tags(self, image: np.ndarray) -> list[Suggestion]:
        """Return the classes that a uint8 H×W×3 image may show, the likeliest first.

        They are those that are likely by the classifier and, of classes that it has not learnt, those that
        the segmentation network gives a visible part of the image.
        """
        view, names = self._view(image, self.settings), self.models.classes.names
        likely = [
            Suggestion(name, float(probability), segmented=False)
            for name, probability in zip(names, self._probabilities(view), strict=False)
            if probability >= LIKELY and name in self.models.classes
        ]
        visible = []
        if self._segmenter is not None and self._segmented - self._learnt:
            visible = [
                Suggestion(name, float(share), segmented=True)
                for class_id, (name, share) in enumerate(
                    zip(names, self._shares(self._segmenter, view), strict=False), 1
                )
                if share >= VISIBLE and class_id not in self._learnt and name in self.models.classes
            ]
        return sorted(likely + visible, key=lambda suggestion: -suggestion.score)

    # -- Stages ----------------------------------------------------------------------------------------------

    def _ids(self, tags: Iterable[str | int]) -> tuple[int, ...]:
        classes = self.models.classes
        ids = (classes.id_of(tag) if isinstance(tag, str) else int(tag) for tag in tags)
        known = tuple(dict.fromkeys(ids))
        for class_id in known:
            if class_id not in classes.ids:
                raise DataError(f"there is no class of id {class_id}; the ids are 1 to {len(classes)}")
        return known

    def _usefulness(
        self, mask: np.ndarray, embedding: PhotoEmbedding, cams: np.ndarray, classes: Sequence[int]
    ) -> float:
        """How useful a correction would be: where `mask` and what the stroke network makes of the CAMs alone
        differ, one of the two is wrong.
        """
        if not classes:
            return 0.0
        scores = with_background(cams, self.settings.alpha)
        hint = np.array((BACKGROUND, *classes), np.uint8)[scores.argmax(axis=0)]
        other = self.strokes.propose(embedding, resize_nearest(hint, mask.shape))
        return disagreement(mask, other, classes)

    def _segments(self, classes: Sequence[int]) -> bool:
        network = self.models.segmentation
        return network is not None and segments(network, self.models.classifier, classes)

    def _note(self, classes: Sequence[int], source: str) -> TranslatableText:
        segmented = source == SEGMENTATION
        learnt = self._segmented if segmented else self._learnt
        notes = [UNTRAINED] if self.models.affinity is None and not segmented else []
        unknown = ", ".join(self.models.classes.name_of(c) for c in classes if c not in learnt)
        if unknown:
            notes.append(
                translatable(
                    "The models have not learnt {classes}, so no mask is proposed for it: click on the "
                    "object, or learn it from tags.",
                    classes=unknown,
                )
            )
        return join_texts(*notes)

    def _view(self, image: np.ndarray, settings: Settings) -> View:
        pixels = resize_to_fit(image, settings.max_side)
        return View(pixels, content_hash(pixels))

    def _embedded(self, image: np.ndarray, view: View) -> PhotoEmbedding:
        """The maps of the stroke network; the full proposal for a photo takes those of the fast one."""
        known = self._embedding
        if known is None or known[1].image is not image or known[0] != view.digest:
            known = self._embedding = view.digest, self.strokes.embed(image)
        return known[1]

    def _spreading(self, view: View, classes: tuple[int, ...], settings: Settings, fast: bool) -> Spreading:
        """CAMs, and what finds the rest when it is needed: on any thread, with the models of now."""
        cams = self._cams(view, classes, settings, fast)
        find_seeds = self._find_seeds(view, cams, classes, settings, fast)
        find_taps, affinity = self._find_taps(view), self.models.affinity

        def find_features() -> Tensor:
            return self.features(find_taps(), affinity).cpu()

        if self.device != CPU:
            features = find_features()  # soon done, and the device may be gone by then
            find_features = lambda: features  # noqa: E731
        return Spreading(cams, classes, settings, find_seeds, find_features)

    def _cams(self, view: View, classes: tuple[int, ...], settings: Settings, fast: bool) -> np.ndarray:
        """CAMs K×H'×W' in [0, 1]; 0 for a class the classifier has not learnt."""
        weights = self._digest(self.models.classifier)

        def kept(scale: float, make: Callable[[], Tensor]) -> Tensor:
            return self._cache.get(("cams", view.digest, weights, classes, scale, settings.cam_side), make)

        return find_cams(self._fused, view.pixels, classes, settings, fast, kept)

    def _find_seeds(
        self, view: View, cams: np.ndarray, classes: tuple[int, ...], settings: Settings, fast: bool
    ) -> Callable[[], np.ndarray]:
        """What makes seed cues H'×W', refined by the dense CRF in the full pass where the settings say so."""
        if fast or not settings.seed_crf or not classes:
            return lambda: find_seeds(cams, view.pixels, classes, settings, fast)
        made_of = (
            *(settings.scales, settings.cam_side, settings.crf),
            *(settings.alpha_low, settings.alpha_high, settings.threshold),
        )
        key = "seeds", view.digest, self._digest(self.models.classifier), classes, *made_of
        return lambda: self._cache.get(key, lambda: find_seeds(cams, view.pixels, classes, settings))

    def _predicted(
        self, network: SegmentationNet, view: View, classes: tuple[int, ...], fast: bool
    ) -> np.ndarray:
        """Probabilities (K+1)×h×w on the feature grid; 0 for a class the network has not learnt."""
        side, grid = self.settings.cam_side, grid_of(view.pixels.shape)
        learnt = [class_id for class_id in classes if class_id in self._segmented]
        scores = np.zeros((1 + len(classes), *grid), np.float32)
        scores[0] = 1
        if learnt:
            photo = resize_to_fit(view.pixels, side)
            made_of = "predicted", view.digest, self._digest(network), tuple(learnt), side

            def seen(scale: float) -> np.ndarray:
                return pool(predict(network, photo, learnt, (scale,)), grid)

            parts = [
                self._cache.get((*made_of, scale), partial(seen, scale))
                for scale in ((1.0,) if fast else PREDICTION_SCALES)
            ]
            scores[[0, *(1 + classes.index(class_id) for class_id in learnt)]] = np.mean(parts, axis=0)
        return scores

    def _shares(self, network: SegmentationNet, view: View) -> np.ndarray:
        """Part of the image, in [0, 1], that the network gives to each class it has learnt."""

        side = self.settings.cam_side

        def compute() -> np.ndarray:
            labels = predict(network, resize_to_fit(view.pixels, side), scales=(1.0,)).argmax(axis=0)
            return np.bincount(labels.ravel(), minlength=network.classify.out_channels)[1:] / labels.size

        return self._cache.get(("shares", view.digest, self._digest(network), side), compute)

    def _probabilities(self, view: View) -> np.ndarray:
        """Probability, float32, of each class of the classifier; 0 for one it has not learnt."""

        @torch.inference_mode()
        def compute() -> np.ndarray:
            pixels = self._fused.backbone.convention.normalise(view.pixels).to(self.device)
            found = self._fused(pixels)[0].sigmoid().cpu().numpy()
            learnt = [class_id in self._learnt for class_id in range(1, 1 + len(found))]
            return np.where(learnt, found, 0)

        weights = self._digest(self.models.classifier)
        return self._cache.get(("probabilities", view.digest, weights), compute)

    def _find_taps(self, view: View) -> Callable[[], tuple[Tensor, ...]]:
        """What makes the inputs of the AffinityNet's head."""
        net = self.affinity_net
        shared = net.backbone is self.models.classifier.backbone
        backbone = self._fused.backbone if shared else net.backbone

        def compute() -> tuple[Tensor, ...]:
            pixels = backbone.convention.normalise(view.pixels).to(self.device)
            # Not inference mode: a head is trained on these.
            with torch.no_grad():
                return net.align(backbone(pixels, backbone.affinity_taps), pixels.shape[-2:])

        key = "taps", view.digest, self._digest(net.backbone)
        return lambda: self._cache.get(key, compute)

    def _digest(self, module: nn.Module) -> str:
        if module not in self._digests:
            self._digests[module] = weights_version(module)
        return self._digests[module]
