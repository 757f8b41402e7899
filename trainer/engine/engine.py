"""`Engine`: one photo's way through the method, from image and tags to a `Proposal`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainer.data.classes import BACKGROUND, ClassList
from trainer.data.regions import remove_small_regions
from trainer.devices import CPU
from trainer.engine.models import Models
from trainer.engine.networks import Networks, View
from trainer.errors import DataError
from trainer.method.cam import with_background
from trainer.method.grid import resize_nearest
from trainer.method.masks import with_tagged_classes
from trainer.method.propagation import Evidence
from trainer.method.propagations import SEGMENTATION
from trainer.method.settings import Settings
from trainer.method.steps import make_mask, standardised
from trainer.method.strokes import PhotoEmbedding, StrokeModel
from trainer.models.affinitynet import AffinityNet
from trainer.models.bundle import Bundle, load_models
from trainer.models.registry import BUNDLED
from trainer.proposal import Proposal, Spreading, Suggestion, disagreement
from trainer.translatable import TranslatableText, join_texts, translatable

UNTRAINED = translatable("No AffinityNet is trained yet: the mask follows the features of the classifier.")
LIKELY = 0.7
"""Probability from which the classifier suggests a tag: nine of ten are then right (250 photos of VOC that
the bundled one has not seen: precision 0.92, recall 0.63)."""
VISIBLE = 0.01
"""Part of the image from which the segmentation network suggests a tag."""


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
        self._networks = Networks(models, device)

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
            bundle: networks with all that belongs to them, such as the exponents α that fit them.
            classes: those wanted, matched by name, in any order. One that the models have not learnt is
                segmented from strokes. None or an empty list: the bundle's own.
            settings: instead of those that come with the models.
            device: where to compute.

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

    @property
    def models(self) -> Models:
        """The networks in use."""
        return self._networks.models

    @property
    def device(self) -> str:
        """Where they compute, as torch says it."""
        return self._networks.device

    @property
    def affinity_net(self) -> AffinityNet:
        """The AffinityNet; where none is trained, one with a random head on the classifier's backbone."""
        return self._networks.affinity_net

    def move(self, device: str, models: Models) -> None:
        """Compute on `device` from now on, with the networks of `models`, which are taken there."""
        self._networks.move(device, models)

    def replace_models(self, **changes: Any) -> None:
        """Swap the models named in `changes` (fields of `Models`); cached features stay valid."""
        self._networks.replace(**changes)

    # -- Proposals -------------------------------------------------------------------------------------------

    def propose(self, image: np.ndarray, tags: Iterable[str | int], fast: bool = False) -> Proposal:
        """Propose a mask for a uint8 H×W×3 RGB `image` that shows the classes `tags` (names or ids).

        `fast` takes one scale and no CRF: the desk's first answer. No tags: all background.
        Raises DataError for a tag that is not in the class list.
        """
        settings, classes = self.settings, self._ids(tags)
        view = View.of(image, settings)
        spreading = self._spreading(view, classes, settings, fast)
        source = settings.mode
        if settings.segmentation and self._networks.segments(classes):
            source = SEGMENTATION
            scores = self._networks.segmentation(view, classes, settings.cam_side, fast)
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
        digests = [None if network is None else self._networks.digest(network) for network in networks]
        made_of = repr((tuple(tags), self.settings, digests))
        return hashlib.blake2b(made_of.encode(), digest_size=16).hexdigest()

    def cams(self, image: np.ndarray, tags: Iterable[str | int]) -> np.ndarray:
        """Return the CAMs K×H'×W' in [0, 1] of a full proposal for `image`; arguments as in `propose`."""
        settings = self.settings
        return self._networks.cams(View.of(image, settings), self._ids(tags), settings, fast=False)

    def evidence(self, image: np.ndarray, tags: Iterable[str | int], alpha: float | None = None) -> Evidence:
        """Return what a full proposal for `image` starts from; arguments as in `propose`.

        `alpha` is another background exponent of the walk than that of the settings.
        """
        settings = self.settings if alpha is None else replace(self.settings, alpha=alpha)
        return self._spreading(View.of(image, settings), self._ids(tags), settings, fast=False).evidence

    def taps(self, image: np.ndarray) -> tuple[Tensor, ...]:
        """Return the inputs 1×C×h×w of the AffinityNet's head for a uint8 H×W×3 image."""
        return self._networks.taps(View.of(image, self.settings))()

    @torch.inference_mode()
    def features(self, taps: Sequence[Tensor], net: AffinityNet | None) -> Tensor:
        """Return features C×h×w whose distances are affinities: those of `net`, or else of the taps."""
        return standardised(taps) if net is None else net.embed(taps)[0]

    def suggest_tags(self, image: np.ndarray) -> list[Suggestion]:
        """Return the classes that a uint8 H×W×3 image may show, the likeliest first.

        They are those that are likely by the classifier and, of classes that it has not learnt, those that
        the segmentation network gives a visible part of the image.
        """
        settings, networks, names = self.settings, self._networks, self.models.classes.names
        view = View.of(image, settings)
        likely = [
            Suggestion(name, float(probability), segmented=False)
            for name, probability in zip(names, networks.probabilities(view), strict=False)
            if probability >= LIKELY and name in self.models.classes
        ]
        visible = []
        if networks.segmented - networks.learnt:
            visible = [
                Suggestion(name, float(share), segmented=True)
                for class_id, (name, share) in enumerate(
                    zip(names, networks.shares(view, settings.cam_side), strict=False), 1
                )
                if share >= VISIBLE and class_id not in networks.learnt and name in self.models.classes
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

    def _note(self, classes: Sequence[int], source: str) -> TranslatableText:
        segmented = source == SEGMENTATION
        learnt = self._networks.segmented if segmented else self._networks.learnt
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

    def _embedded(self, image: np.ndarray, view: View) -> PhotoEmbedding:
        """The maps of the stroke network; the full proposal for a photo takes those of the fast one."""
        known = self._embedding
        if known is None or known[1].image is not image or known[0] != view.digest:
            known = self._embedding = view.digest, self.strokes.embed(image)
        return known[1]

    def _spreading(self, view: View, classes: tuple[int, ...], settings: Settings, fast: bool) -> Spreading:
        """CAMs, and what finds the rest when it is needed: on any thread, with the models of now."""
        cams = self._networks.cams(view, classes, settings, fast)
        find_seeds = self._networks.seeds(view, cams, classes, settings, fast)
        find_taps, affinity = self._networks.taps(view), self.models.affinity

        def find_features() -> Tensor:
            return self.features(find_taps(), affinity).cpu()

        if self.device != CPU:
            features = find_features()  # soon done, and the device may be gone by then
            find_features = lambda: features  # noqa: E731
        return Spreading(cams, classes, settings, find_seeds, find_features)
