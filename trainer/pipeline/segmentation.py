"""The segmentation network alone: training on the masks of a data set, and predicting for another."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.ids import file_under
from trainer.data.images import load_image, save_mask
from trainer.data.masks import NO_CLASS, MaskReader, mask_file, mask_folder
from trainer.data.source import Item, Source
from trainer.data.views import Views, resize_to_fit
from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.errors import DataError
from trainer.feature_cache import content_hash, weights_version
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loop import Recipe, train
from trainer.learn.segmentation import NAME, RECIPE, predict, segmentation_steps
from trainer.method.grid import resize_nearest
from trainer.method.settings import Settings
from trainer.method.steps import make_mask
from trainer.models.base import Backbone
from trainer.models.fuse import channels_last
from trainer.models.segnet import SegmentationNet
from trainer.progress import NullReporter, Reporter


def train_on_masks(
    source: Source,
    masks: Path,
    backbone: Backbone,
    recipe: Recipe = RECIPE,
    device: str = "cpu",
    report: Reporter | None = None,
    group: ProcessGroup = SINGLE_PROCESS,
    checkpoint: Path | None = None,
    workers: int | None = None,
) -> SegmentationNet:
    """Train a network on the images of `source` that have a mask in `masks` (``<id>.png``, or a VOC tree).

    A mask that cannot be read, is not of its image's size or has labels outside the class list is told of and
    left out. Raises DataError where there is none left, or none shows a class. What the file `checkpoint`
    keeps on the way lets the same call go on from there; removing it is the caller's part. `workers`
    processes load the photos; None: as many as suit the device.
    """
    folder, reader = mask_folder(masks), MaskReader(source.classes, masks)
    pairs = [(item, mask_file(folder, item.id)) for item in source.items]
    pairs = [(item, path) for item, path in pairs if path.is_file()]
    if not pairs:
        raise DataError(f"{folder} has no mask of any image in {source.root}; give the folder of their masks")
    views = Views([item.image_path for item, _ in pairs], Settings().max_side)
    labels, used, problems, digest = [], [], [], hashlib.blake2b(digest_size=16)
    report = report or NullReporter()
    with report.stage("masks", len(pairs)) as stage:
        for index, (item, path) in enumerate(pairs):
            try:
                mask, view = reader.read(path, item.image_path), views[index]
            except DataError as error:
                problems.append(str(error))
            else:
                used.append(index)
                labels.append(resize_nearest(mask, view.shape[:2]))
                digest.update(f"{content_hash(view)}{content_hash(labels[-1])}".encode())
            stage.advance(note=item.id)
    for problem in problems:
        report.message(f"warning: {problem}; it is left out")
    if not used:
        raise DataError(problems[0])
    shown = {label for mask in labels for label in labels_in(mask)} - {VOID}
    if shown <= {BACKGROUND}:
        raise DataError(f"the masks in {folder} show no class; {NO_CLASS}")
    if len(shown) == 1:
        report.message(
            f"warning: all masks show {source.classes.name_of(*shown)} and nothing else, and so will the "
            "network; add masks with background"
        )
    views = views.only(used)
    torch.manual_seed(recipe.seed)  # the same random head in every process
    net = channels_last(SegmentationNet(backbone, len(source.classes)).to(device))
    data = f" {weights_version(net)} {digest.hexdigest()}"
    kept = None if checkpoint is None else Checkpoint(checkpoint, report.message, data)
    train(segmentation_steps(net, views, labels, recipe, group, kept, workers), NAME, report)
    return net


def predict_masks(
    net: SegmentationNet,
    source: Source,
    out: Path,
    only_tags: bool = False,
    crf: bool = True,
    force: bool = False,
    report: Reporter | None = None,
    group: ProcessGroup = SINGLE_PROCESS,
) -> list[str]:
    """Write ``out/SegmentationClass/<id>.png`` for every image; return sentences on those left out.

    With `only_tags` an image that has tags shows none but these; with `crf` the dense CRF refines the masks,
    as in a pipeline run. Raises DataError where `out` cannot be written, or has one of the masks already,
    unless `force` lets it be replaced.
    """
    problems: list[str] = []
    files = {item.id: file_under(out / "SegmentationClass", item.id, ".png") for item in source.items}
    if not force and (there := [file for file in files.values() if file.exists()]):
        others = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise DataError(
            f"{there[0]}{others} would be replaced; choose another folder, or force the masks into it"
        )
    group.wait()  # none writes before all have looked
    mine = group.share(source.items)
    shown = False
    with (report or NullReporter()).stage("predict", len(mine)) as stage:
        for item in mine:
            try:
                image = load_image(item.image_path)
            except DataError as error:
                problems.append(str(error))
            else:
                tags = _tag_ids(item, source.classes) if only_tags else None
                mask = _predict_mask(net, image, tags, crf)
                shown |= bool(mask.any())
                save_mask(files[item.id], mask)
            stage.advance(note=item.id)
    problems = [problem for part in group.gather(problems) for problem in part]
    if len(problems) == len(source.items):
        raise DataError(f"none of the images in {source.root} can be read; replace them ({problems[0]})")
    if not any(group.gather(shown)):
        problems.append("no mask shows an object: the network may not have learnt what these images show")
    return problems


def _predict_mask(
    net: SegmentationNet, image: np.ndarray, tags: tuple[int, ...] | None, crf: bool
) -> np.ndarray:
    """Return labels, uint8 H×W, of a uint8 H×W×3 image; outlines follow the image at its full size."""
    settings = Settings()
    probabilities = predict(net, resize_to_fit(image, settings.max_side), tags)
    # The CRF's time grows with the classes, and most win nowhere.
    shown = np.unique(probabilities.argmax(axis=0))
    labels = np.arange(len(probabilities)) if tags is None else np.array([BACKGROUND, *tags])
    return make_mask(probabilities[shown], image, labels[shown], settings, crf, specks=not crf)


def _tag_ids(item: Item, classes: ClassList) -> tuple[int, ...] | None:
    return None if item.tags is None else tuple(classes.id_of(name) for name in item.tags)
