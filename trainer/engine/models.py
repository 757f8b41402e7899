"""The networks of a file, matched to the classes of a project."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from trainer.data.classes import ClassList
from trainer.errors import WeightsError
from trainer.models.affinitynet import AffinityNet
from trainer.models.bundle import Bundle
from trainer.models.class_rows import empty_classifier, with_classes
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet


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
