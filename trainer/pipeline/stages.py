"""The stages of the method for one image of a data set; each reads what the one before left behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainer.data.classes import BACKGROUND
from trainer.data.images import load_image
from trainer.data.masks import MaskReader
from trainer.data.regions import remove_small_regions
from trainer.data.source import Source
from trainer.data.views import Views, resize_to_fit
from trainer.learn.segmentation import predict
from trainer.method import steps
from trainer.method.affinity import pair_affinity
from trainer.method.calibration import Cover, refined_cover, walked_cover
from trainer.method.cam import with_background
from trainer.method.crf import DenseCRF
from trainer.method.masks import with_tagged_classes
from trainer.method.propagations import PROPAGATIONS
from trainer.method.settings import Settings
from trainer.method.strokes import StrokeModel
from trainer.models.affinitynet import AffinityNet
from trainer.models.class_rows import segments
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.pipeline.run_folder import RunFolder
from trainer.pipeline.stage_names import CAM, CRF_OF, KEPT_AS_LABELS, SEEDS, SEGNET


class Stages:
    """The stages over the images of a data set, addressed by their index.

    Results are kept at the size the networks see (`views`), propagated scores on the feature grid; `labels`
    gives any of them as a label map of the image's own size.
    """

    def __init__(self, source: Source, folder: RunFolder, settings: Settings, device: str) -> None:
        self.items, self.classes, self.folder, self.settings = source.items, source.classes, folder, settings
        self.device = device
        self.views = Views([item.image_path for item in source.items], settings.max_side)
        self._truths = MaskReader(source.classes, source.root)

    def ids(self, index: int) -> tuple[int, ...]:
        """Return the class ids of the image's tags; none where it has no tags."""
        return tuple(self.classes.id_of(name) for name in self.items[index].tags or ())

    def done(self, stage: str, index: int) -> bool:
        """Tell whether an earlier run has done this."""
        return self.folder.has(stage, self.items[index].id)

    def make_cam(self, classifier: CamClassifier, index: int) -> None:
        """Make ``cam``: float K×H×W."""
        cams = steps.find_cams(classifier, self.views[index], self.ids(index), self.settings)
        self.folder.save_array(CAM, self.items[index].id, cams)

    def make_seeds(self, index: int) -> None:
        """Make ``seeds``: uint8 H×W."""
        seeds = steps.find_seeds(self.cams(index), self.views[index], self.ids(index), self.settings)
        self.folder.save_labels(SEEDS, self.items[index].id, seeds)

    def propagate(self, net: AffinityNet, mode: str, index: int) -> None:
        """Make the stage of a propagation's mode: scores (K+1)×h×w on the feature grid."""
        settings = replace(self.settings, mode=mode)
        evidence = steps.gather_evidence(self.cams(index), self.seeds(index), self.ids(index), settings)
        features = steps.find_features(net, self.views[index], self.device)
        scores = steps.propagate(features, pair_affinity(features[None])[0], evidence, settings)
        self.folder.save_array(PROPAGATIONS[mode].stage, self.items[index].id, scores)

    def make_crf(self, stage: str, index: int) -> None:
        """Make ``crf`` or ``segnet-crf`` from the scores of `stage`: uint8 labels of the image's own size,
        without specks.
        """
        item = self.items[index]
        scores, image = self.folder.array(stage, item.id), load_image(item.image_path)
        labels = steps.make_mask(scores, image, self._channels(index), self.settings, crf=True)
        self.folder.save_labels(CRF_OF[stage], item.id, labels)

    def segment(self, net: SegmentationNet, classifier: CamClassifier, propagated: str, index: int) -> None:
        """Make ``segnet``: probabilities (K+1)×H×W of background and the tagged classes.

        A photo whose classes the network does not know (`segments`) keeps the scores of the stage
        `propagated`.
        """
        item, ids = self.items[index], self.ids(index)
        if segments(net, classifier, ids):
            scores = predict(net, resize_to_fit(self.views[index], self.settings.cam_side), ids)
        else:
            scores = self.folder.array(propagated, item.id)
        self.folder.save_array(SEGNET, item.id, scores)

    def refine(self, model: StrokeModel, stage: str, name: str, index: int) -> None:
        """Make the stage `name`: the labels of `stage`, their outlines drawn by the stroke network."""
        item = self.items[index]
        photo = model.embed(load_image(item.image_path))
        hint = with_tagged_classes(self.labels(stage, index), self.cams(index), self.ids(index))
        mask = model.propose(photo, hint)
        self.folder.save_labels(name, item.id, remove_small_regions(mask, self.settings.smallest_part))

    def refined_cover(self, index: int) -> Cover:
        """Return what the image's CAMs cover by α, after the dense CRF."""
        return refined_cover(self.cams(index), DenseCRF(self.views[index], self.settings.crf).infer)

    def walked_cover(self, net: AffinityNet, index: int) -> Cover:
        """Return what the image's CAMs cover by α, after the walk."""
        features = steps.find_features(net, self.views[index], self.device)
        return walked_cover(self.cams(index), features, self.settings)

    def cams(self, index: int) -> np.ndarray:
        """Return the CAMs, float32 K×H×W."""
        return self.folder.array(CAM, self.items[index].id)

    def seeds(self, index: int) -> np.ndarray:
        """Return the seed cues, uint8 H×W."""
        return self.folder.labels(SEEDS, self.items[index].id)

    def labels(self, stage: str, index: int) -> np.ndarray:
        """Return a stage's label map, uint8, at the image's own size."""
        item = self.items[index]
        if stage in KEPT_AS_LABELS:
            return self.folder.labels(stage, item.id)
        scores = self.folder.array(stage, item.id)
        if stage == CAM:
            scores = with_background(scores, self.settings.alpha)
        image = load_image(item.image_path)
        if scores.shape[1:] == image.shape[:2]:
            return np.array(self._channels(index), np.uint8)[scores.argmax(axis=0)]
        return steps.make_mask(scores, image, self._channels(index), self.settings, crf=False, specks=True)

    def truth(self, index: int) -> np.ndarray | None:
        """Return the true mask of the image, uint8 labels; None where there is none.

        Raises DataError naming it where it is none of this image and these classes.
        """
        item = self.items[index]
        return None if item.truth_path is None else self._truths.read(item.truth_path, item.image_path)

    def _channels(self, index: int) -> tuple[int, ...]:
        """Class ids of the channels of scores."""
        return BACKGROUND, *self.ids(index)
