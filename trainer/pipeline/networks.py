"""The networks of a run: trained where they are missing, read where an earlier run has trained them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from trainer.data.classes import labels_in
from trainer.distributed import ProcessGroup
from trainer.errors import UserError
from trainer.learn.affinity import affinity_steps
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.classifier import classifier_steps
from trainer.learn.loop import Recipe, Step, train
from trainer.learn.segmentation import segmentation_steps
from trainer.method.grid import resize_nearest
from trainer.models.affinitynet import AffinityNet
from trainer.models.base import Backbone
from trainer.models.bundle import Bundle, load_models, save_models
from trainer.models.class_rows import forget, with_classes
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import channels_last
from trainer.models.segnet import SegmentationNet
from trainer.models.weights import load_backbone_weights
from trainer.pipeline.options import Options
from trainer.pipeline.run_folder import RunFolder
from trainer.pipeline.stage_names import AFFINITY_NET, CLASSIFIER, SEGMENTATION_NET
from trainer.pipeline.stage_timer import StageTimer
from trainer.pipeline.stages import Stages
from trainer.progress import Reporter

NetT = TypeVar("NetT", bound=nn.Module)


class Networks:
    """Trains on the tagged photos of `stages` and keeps the results in `folder`.

    What a photo shows that nobody has tagged is not known: it is no example of anything.
    """

    def __init__(
        self,
        stages: Stages,
        folder: RunFolder,
        options: Options,
        report: Reporter,
        group: ProcessGroup,
        timer: StageTimer,
        given: Bundle | None = None,
    ) -> None:
        """`given` are the models of `options.classifier`, or the bundled ones."""
        self.given = given
        self.stages, self.folder, self.options = stages, folder, options
        self.report, self.group, self.timer = report, group, timer
        self._tagged = [index for index, item in enumerate(stages.items) if item.tags is not None]
        self._views = stages.views.only(self._tagged)

    def classifier(self, warnings: list[str]) -> CamClassifier:
        """Return the classifier: that of `given`, its classes matched by name, or one trained on the tags.

        A class that `given` has not learnt adds a sentence to `warnings`. Raises UserError where it has
        learnt none of them.
        """
        names, given = self.stages.classes.names, self.given
        if given is not None:
            unknown = [name for name in names if name not in given.classes]
            classifier = with_classes(given, names).classifier
            if classifier is None or len(unknown) == len(names):
                raise UserError(
                    f"{given.file} holds no classifier of any of this data's {len(names)} classes; "
                    "train one by leaving --classifier out"
                )
            if unknown:
                warnings.append(
                    f"{given.file} has not learnt {', '.join(unknown)}: no mask shows them; "
                    "train networks of your own by leaving --classifier and --no-training out"
                )
            return channels_last(classifier.to(self.options.device)).eval()
        path = self.folder.model("classifier")
        if not path.is_file():
            classifier = self._new(lambda: CamClassifier(self._backbone(), len(names)))
            tags = [self.stages.ids(index) for index in self._tagged]
            recipe = self._recipe(self.options.classifier_recipe)
            kept = self._checkpoint("classifier")
            self._train(
                CLASSIFIER,
                classifier_steps(
                    classifier, self._views, tags, recipe, self.group, kept, self.options.workers
                ),
            )
            self._keep("classifier", Bundle(names, classifier=classifier))
        return self._loaded(load_models(path).classifier)

    @property
    def _trained(self) -> Bundle | None:
        """The models that are taken as they are; None where networks are trained."""
        if self.given is None or self.options.training:
            return None
        return with_classes(self.given, self.stages.classes.names)

    def _backbone(self) -> Backbone:
        return load_backbone_weights(self.options.weights)

    def affinity_net(self, classifier: CamClassifier) -> AffinityNet:
        """Return the AffinityNet, trained on the seed cues."""
        if (trained := self._trained) is not None:
            if trained.affinity is None:
                raise UserError(f"{trained.file} holds no AffinityNet; leave --no-training out")
            return self._loaded(trained.affinity)
        path = self.folder.model("affinity")
        if not path.is_file():
            # [ours] The classifier's backbone serves both: trained further on the seeds it learns their
            # faults, and the desk would have to run two.
            net = self._new(lambda: AffinityNet(classifier.backbone.requires_grad_(False)))
            seeds = [self.stages.seeds(index) for index in self._tagged]
            recipe = self._recipe(self.options.affinity_recipe)
            kept = self._checkpoint("affinity")
            self._train(
                AFFINITY_NET,
                affinity_steps(net, self._views, seeds, recipe, self.group, kept, self.options.workers),
            )
            self._keep("affinity", Bundle(self.stages.classes.names, affinity=net))
        net = self._loaded(load_models(path).affinity)
        net.backbone = classifier.backbone  # what was read differs by rounding, and would be kept twice
        return net

    def segmentation_net(self, classifier: CamClassifier, labels: str) -> SegmentationNet:
        """Return the segmentation network, trained on the label maps of the stage `labels`."""
        if (trained := self._trained) is not None:
            if trained.segmentation is None:
                raise UserError(f"{trained.file} holds no segmentation network; give --no-segmentation")
            return self._loaded(trained.segmentation)
        path = self.folder.model("segmentation")
        if not path.is_file():
            backbone = classifier.backbone.requires_grad_(False)
            net = self._new(lambda: SegmentationNet(backbone, len(self.stages.classes)))
            masks = [
                resize_nearest(self.stages.labels(labels, index), self.stages.views[index].shape[:2])
                for index in self._tagged
            ]
            recipe = self._recipe(self.options.segmentation_recipe)
            kept = self._checkpoint("segmentation")
            self._train(
                SEGMENTATION_NET,
                segmentation_steps(net, self._views, masks, recipe, self.group, kept, self.options.workers),
            )
            shown = {label for mask in masks for label in labels_in(mask)}
            forget(net.classify, sorted(set(self.stages.classes.ids) - shown))
            self._keep("segmentation", Bundle(self.stages.classes.names, segmentation=net))
        net = self._loaded(load_models(path).segmentation)
        net.backbone = classifier.backbone
        return net

    def _recipe(self, recipe: Recipe) -> Recipe:
        return replace(
            recipe.fitted(len(self._tagged), self.options.least_steps),
            seed=self.options.seed,
            precision=self.options.precision,
        )

    def _new(self, build: Callable[[], NetT]) -> NetT:
        """Build a network whose random weights are the same in every process."""
        torch.manual_seed(self.options.seed)
        return channels_last(build().to(self.options.device))

    def _train(self, stage: str, under_way: Iterator[Step]) -> None:
        with self.timer.measured(stage):
            share = train(under_way, stage, self.report)
        if self.group.is_main:
            self.folder.keep_loader_wait_share(stage, share)

    def _checkpoint(self, name: str) -> Checkpoint:
        return Checkpoint(self.folder.checkpoint(name), self.report.message)

    def _keep(self, name: str, bundle: Bundle) -> None:
        """Save a network whose training is complete and remove its checkpoint."""
        self.save(self.folder.model(name), bundle)
        if self.group.is_main:
            self.folder.list_model(name)
            self.folder.checkpoint(name).unlink(missing_ok=True)

    def save(self, path: Path, bundle: Bundle, half: bool = False) -> None:
        """Write a file of models, by the main process; all wait for it."""
        if self.group.is_main:
            save_models(path, bundle, half)
        self.group.wait()

    def _loaded(self, net: NetT | None) -> NetT:
        assert net is not None
        return channels_last(net.to(self.options.device)).eval()
