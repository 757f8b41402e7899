"""The whole method on a data set: image tags in, masks out (METHOD sections 1 to 5)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from trainer.about import library_versions
from trainer.data.classes import BACKGROUND, VOID, labels_in
from trainer.data.digest import digest_if_readable
from trainer.data.export import check_destination
from trainer.data.files import read_json
from trainer.data.masks import NO_CLASS
from trainer.data.source import Item, Source, image_folder
from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.errors import DataError
from trainer.memory import peak_memory
from trainer.method import calibration
from trainer.method.calibration import AlphaSearch, Cover
from trainer.method.propagations import PROPAGATIONS
from trainer.method.strokes import StrokeModel
from trainer.models.bundle import Bundle, load_models
from trainer.models.fuse import fused_for_inference
from trainer.models.registry import BUNDLED, BUNDLED_STROKES
from trainer.models.weights import load_backbone_weights, weights_file
from trainer.pipeline.data_check import check_tags, hopeless_classes
from trainer.pipeline.networks import Networks
from trainer.pipeline.options import Options
from trainer.pipeline.outputs import (
    OVERVIEW_FILE,
    RUN_FILE,
    place_stages,
    score_stages,
    write_masks,
    write_overview,
    write_record,
)
from trainer.pipeline.result import AlphaFound, Result
from trainer.pipeline.run_folder import RunFolder
from trainer.pipeline.stage_names import (
    CAM,
    CRF_OF,
    LABEL_MAPS,
    LABELS,
    MASKS,
    PHOTOS,
    REFINED,
    SCORES,
    SEED_ALPHA,
    SEEDS,
    SEGNET,
    WALK_ALPHA,
)
from trainer.pipeline.stage_timer import StageTimer
from trainer.pipeline.stages import Stages
from trainer.progress import NullReporter, Reporter

MODELS_FILE = "models.safetensors"
"""The networks of a run in one file, for the desk and for ``--classifier``."""


def run_pipeline(
    source: Source,
    out: Path,
    options: Options | None = None,
    report: Reporter | None = None,
    group: ProcessGroup = SINGLE_PROCESS,
) -> Result:
    """Make masks from image-level tags and leave them in `out` as a VOC tree.

    Beside it lie ``models.safetensors``, ``run.json`` and ``run/``, the results of each stage and checkpoints
    of trainings, from which an interrupted run resumes. With `options.stages` the label maps of the stages
    are left in ``stages/`` as well.

    Args:
        source: images and their tags. One that nobody has tagged teaches nothing, and its mask is all
            background.
        out: a new folder, or that of an earlier run.
        options: models, parameters and recipes.
        report: receives the progress.
        group: the processes that share the work.

    Raises:
        UserError: one sentence on what is wrong with the data (no tags at all), the weights or `out`.
    """
    options = options or Options()
    check_tags(source)
    run = _Run(source, out, options, report or NullReporter(), group)
    if group.is_main and not run.folder.begun:  # one that was cut short has no finished tree yet
        check_destination(out, image_folder(source.root), options.force)
        there = [name for name in (MODELS_FILE, OVERVIEW_FILE, RUN_FILE) if (out / name).exists()]
        run.warnings += [f"{out / name} was there before and is replaced" for name in there]
    return run.run()


class _Run:
    """One run: trains missing networks and takes every image through the stages."""

    def __init__(
        self, source: Source, out: Path, options: Options, report: Reporter, group: ProcessGroup
    ) -> None:
        self.given = _given(options)
        if self.given is not None:
            options = _fitting(options, self.given)
        else:  # what cannot be used is told before the photos are read
            load_backbone_weights(options.weights)
        self.source, self.out, self.options, self.report, self.group = source, out, options, report, group
        self.folder = RunFolder(out / "run")
        self.stages = self._stages_of(source)
        self.warnings = list(source.problems)
        if self.given is None:
            self.warnings += hopeless_classes(source.items)
        self.timer = StageTimer(self.folder, report, group)
        self.alphas: dict[str, AlphaFound] = {}

    def run(self) -> Result:
        options, settings = self.options, self.options.settings
        self.report.plan(options.plan(len(self.source.items)))
        for warning in self.warnings:  # at the end they are told once more
            self.report.message(f"warning: {warning}")
        if self.group.is_main:
            self.folder.bind(self._key())
        self.group.wait()
        self._drop_damaged()
        networks = Networks(
            self.stages, self.folder, options, self.report, self.group, self.timer, self.given
        )
        classifier = networks.classifier(self.warnings)
        fused = fused_for_inference(classifier)
        self._each(CAM, partial(self.stages.make_cam, fused))
        if options.calibrate:
            seed_alpha = self._alpha(SEED_ALPHA, self.stages.refined_cover)
            self.stages.settings = settings.calibrated(seed_alpha, seed_alpha)
        self._each(SEEDS, self.stages.make_seeds)
        net = networks.affinity_net(classifier)
        if options.calibrate:
            alpha = self._alpha(WALK_ALPHA, partial(self.stages.walked_cover, net))
            self.stages.settings = settings.calibrated(alpha, seed_alpha)
        for mode in self.options.modes:
            self._each(PROPAGATIONS[mode].stage, partial(self.stages.propagate, net, mode))
        count, scores = len(self.stages.items), PROPAGATIONS[settings.mode].stage
        if options.walk_crf(count):
            self._each(CRF_OF[scores], partial(self.stages.make_crf, scores))
        segmentation = None
        strokes = StrokeModel.bundled()
        segments = options.segments(count)
        if segments or options.stages:
            labels = CRF_OF[scores] if settings.mask_crf else scores
            if settings.refine:
                self._each(LABELS, partial(self.stages.refine, strokes, labels, LABELS))
                labels = LABELS
            segmentation = networks.segmentation_net(classifier, labels)
            network = fused_for_inference(segmentation)
            self._each(SEGNET, partial(self.stages.segment, network, classifier, scores))
            if options.segnet_crf:
                self._each(CRF_OF[SEGNET], partial(self.stages.make_crf, SEGNET))
        if segments:
            scores = SEGNET
            self.stages.settings = replace(self.stages.settings, segmentation=True)
        last = CRF_OF[scores] if settings.last_crf else scores
        if settings.refine:
            self._each(REFINED, partial(self.stages.refine, strokes, last, REFINED))
            last = REFINED
        networks.save(
            self.out / MODELS_FILE,
            Bundle(self.source.classes.names, classifier, net, segmentation, self._about()),
            half=True,
        )
        return self._finish(last)

    # -- Images ----------------------------------------------------------------------------------------------

    def _stages_of(self, source: Source) -> Stages:
        options = self.options
        return Stages(source, self.folder, options.settings, options.device)

    def _drop_damaged(self) -> None:
        """Look at every photo and true mask once; leave out those that cannot be used."""
        good, shown = [], set[int]()
        with self.timer.stage(PHOTOS, len(self.source.items)) as stage:
            for index, item in enumerate(self.source.items):
                try:
                    self.stages.views[index]
                    good.append(self._with_truth(index, shown))
                except DataError as error:
                    self._warn(str(error))
                stage.advance(note=item.id)
        if not good:
            raise DataError(f"none of the images in {self.source.root} can be read; replace them")
        if shown and shown <= {BACKGROUND, VOID}:
            self._warn(f"the true masks of {self.source.root} show no class; {NO_CLASS}; nothing is scored")
            good = [replace(item, truth_path=None) for item in good]
        if good != self.source.items:
            source = replace(self.source, items=good)
            check_tags(source)
            self.stages = self._stages_of(source)

    def _with_truth(self, index: int, shown: set[int]) -> Item:
        """The image; without its true mask where that is none of it, for it only serves to score.

        The labels of the mask are added to `shown`.
        """
        item = self.stages.items[index]
        try:
            truth = self.stages.truth(index)
        except DataError as error:
            self._warn(f"{error}; this image is not scored")
            return replace(item, truth_path=None)
        if truth is not None:
            shown |= set(labels_in(truth))
        return item

    def _warn(self, warning: str) -> None:
        self.warnings.append(warning)
        self.report.message(f"warning: {warning}")

    def _each(self, name: str, make: Callable[[int], None]) -> None:
        """Take this process's share of the images through a stage, except those done before."""
        mine = self.group.share(range(len(self.stages.items)))
        ahead = [index for index in mine if not self.stages.done(name, index)]
        with self.timer.stage(name, len(mine), len(mine) - len(ahead)) as stage:
            for index in ahead:
                make(index)
                stage.advance(note=self.stages.items[index].id)
        self.group.wait()

    def _alpha(self, name: str, look: Callable[[int], Cover]) -> float:
        """The background exponent whose foreground covers what it should; found once in a run."""
        path = self.folder.root / f"{name}.json"
        if not path.is_file():
            self._search_alpha(name, path, look)
        try:
            found = AlphaFound(**read_json(path, "the record of a run"))
        except TypeError:
            raise DataError(f"{path} is damaged; remove it and run again") from None
        self.alphas[name] = found
        if found.bound is not None and any(item.tags for item in self.stages.items):
            coverage = self.options.coverage
            self.warnings.append(calibration.bound_warning(name, found.alpha, found.bound, coverage))
        return found.alpha

    def _search_alpha(self, name: str, path: Path, look: Callable[[int], Cover]) -> None:
        """Find that exponent, and keep it in the file `path`."""
        tagged = [index for index in range(len(self.stages.items)) if self.stages.ids(index)]
        mine = self.group.share([tagged[place] for place in calibration.sample(len(tagged))])
        looks = [look(index) for index in mine]

        search = AlphaSearch(self.options.coverage)
        with self.timer.stage(name, calibration.STEPS) as stage:
            while not search.done:
                own = [cover(search.candidate) for cover in looks]
                everyone = [value for part in self.group.gather(own) for value in part]
                stage.advance(note=f"alpha {search.candidate:.2f}")
                search.tell(sum(everyone) / max(1, len(everyone)))
        if self.group.is_main:
            with self.folder.writing(path) as temporary:
                found = AlphaFound(search.alpha, search.bound)
                temporary.write_text(json.dumps(asdict(found)), "utf-8", newline="\n")
        self.group.wait()

    def _about(self) -> dict[str, Any]:
        """The provenance stored in a file of models."""
        return {
            **self.stages.settings.of_models,
            "data": self.source.root.name,
            "images": len(self.stages.items),
            "weights": Path(self.options.weights).name,
        }

    # -- The end ---------------------------------------------------------------------------------------------

    def _finish(self, last: str) -> Result:
        names = [name for name in LABEL_MAPS if self.stages.done(name, 0)]
        mine = len(self.group.share(range(len(self.stages.items))))
        with self.timer.stage(SCORES, mine) as stage:
            kept = "stages" if self.options.stages else None
            scores = score_stages(self.stages, names, last, self.source.split, kept, self.group, stage)
        if self.group.is_main:
            if kept is not None:
                self.warnings += place_stages(self.folder.root / kept, self.out, self.options.force)
            with self.timer.stage(MASKS, len(self.stages.items)) as stage:
                self.warnings += write_masks(self.stages, last, self.out, self.options.force, stage)
            write_overview(self.stages, last, self.out, self.source.root.name)
        result = Result(
            images=len(self.stages.items),
            split=self.source.split,
            stages=names if self.options.stages else [],
            scores=scores,
            seconds={name: round(seconds, 1) for name, seconds in self.folder.seconds().items()},
            loader_wait_share={
                name: round(share, 3) for name, share in self.folder.loader_wait_shares().items()
            },
            peak_memory=peak_memory(),
            warnings=self.warnings,
            alphas=self.alphas,
            settings=self._settings() | {"settings": asdict(self.stages.settings)},
        )
        if self.group.is_main:
            record = result.to_json()
            record["warnings"] = [self._shareable(warning) for warning in self.warnings]
            write_record(self.out, record)
        self.group.wait()
        return result

    def _settings(self) -> dict[str, Any]:
        """The options of the run, and the versions its figures depend on. Of files only the names: people
        share these records.
        """
        options = {
            key: value
            for key, value in asdict(self.options).items()
            if key not in ("stages", "force", "workers")
        }
        weights, classifier = self.options.weights, self.options.classifier
        names = {"weights": Path(weights).name, "classifier": classifier and classifier.name}
        return options | names | {"classes": self.source.classes.names, "versions": library_versions()}

    def _key(self) -> dict[str, Any]:
        """Everything that the results of the stages depend on: files by their content, wherever they lie."""
        given = self.given
        digests = {
            "weights": digest_if_readable(weights_file(self.options.weights)) if given is None else "",
            "classifier": "" if given is None else given.digest,
            "strokes": digest_if_readable(BUNDLED_STROKES) if self.options.settings.refine else "",
            "data": [(item.id, digest_if_readable(item.image_path), item.tags) for item in self.source.items],
        }
        return self._settings() | digests

    def _shareable(self, text: str) -> str:
        """A sentence without the folders above the data and the results."""
        files = [
            self.source.root,
            self.out.absolute(),
            self.out.resolve(),
            Path(self.options.weights).absolute(),
        ]
        if self.options.classifier is not None:
            files.append(self.options.classifier.absolute())
        for folder in sorted({file.parent for file in files}, key=lambda folder: -len(str(folder))):
            if folder != folder.parent:
                text = text.replace(f"{folder}{os.sep}", "")
        return text


def _given(options: Options) -> Bundle | None:
    """Return the models that a run begins with, None where it trains all networks itself."""
    file = options.classifier or (None if options.training else BUNDLED)
    return None if file is None else load_models(file)


def _fitting(options: Options, given: Bundle) -> Options:
    """Return the options with what belongs to the models `given`: how they see a photo and, where they are
    taken as they are, their exponents α and whether a segmentation network makes the masks.
    """
    options = replace(options, settings=options.settings.seeing_as(given.info))
    if options.training:
        return options
    if options.segmentation is None:
        options = replace(options, segmentation=given.segmentation is not None)
    if not options.calibrate or "alpha" not in given.info:
        return options
    settings = options.settings.calibrated(given.info["alpha"], given.info["seed_alpha"])
    return replace(options, settings=settings, calibrate=False)
