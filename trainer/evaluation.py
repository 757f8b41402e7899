"""Scores of label maps against true masks, as PASCAL VOC defines them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.formats import voc
from trainer.data.ids import assign_ids
from trainer.data.images import image_size
from trainer.data.masks import MASK_FOLDER, MASK_SUFFIXES, NO_CLASS, MaskReader, mask_file, mask_folder
from trainer.data.source import image_files, some_names
from trainer.errors import DataError
from trainer.progress import NullReporter, Reporter


@dataclass(frozen=True)
class Scores:
    """Scores with what they mean beside them: an mIoU without its split and background rule says little.

    IoUs are fractions in [0, 1]; None is the IoU of a class that the true masks do not show.
    """

    miou: float
    iou: dict[str, float | None]
    pixel_accuracy: float
    images: int
    split: str
    background_rule: str
    missing: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, fit for `json.dumps`."""
        return asdict(self)


class Confusion:
    """Confusion matrix over all pixels that are not void in the truth.

    `matrix` is int64 (C+1, C+2): true label by predicted label, background first, the last column being
    pixels predicted void. A void prediction is wrong (a miss of the true class) but no other class's false
    alarm.
    """

    def __init__(self, classes: ClassList) -> None:
        self.classes = classes
        self.images = 0
        self.matrix = np.zeros((len(classes) + 1, len(classes) + 2), np.int64)

    def add(self, pred: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Count one image; both are labels (H, W), 0…C or 255.

        Raises `DataError` where the sizes differ or a label is not in the class list.
        """
        if pred.shape != truth.shape:
            raise DataError(f"the mask is {_size(pred)} but the true mask {_size(truth)}; they must be alike")
        labels, columns = self.matrix.shape
        for name, mask in (("mask", pred), ("true mask", truth)):
            if bad := [label for label in labels_in(mask) if labels <= label < VOID]:
                raise DataError(
                    f"the {name} has the label {bad[0]} but there are {len(self.classes)} classes"
                )
        decided = truth != VOID
        rows = truth[decided].astype(np.intp)
        predicted = np.minimum(pred[decided], labels).astype(np.intp)  # void becomes the last column
        counts = np.bincount(rows * columns + predicted, minlength=self.matrix.size)
        self.matrix += counts.reshape(self.matrix.shape)
        self.images += 1

    def merge(self, other: Confusion) -> None:
        """Add the counts of another part of the same data set."""
        self.matrix += other.matrix
        self.images += other.images

    @property
    def iou(self) -> NDArray[np.float64]:
        """IoU = TP / (TP + FP + FN) of background and classes (C+1,); nan where the truth lacks one."""
        true_positives = np.diagonal(self.matrix).astype(np.float64)
        truth = self.matrix.sum(axis=1)
        union = truth + self.matrix.sum(axis=0)[:-1] - true_positives
        return np.divide(true_positives, union, out=np.full(len(truth), np.nan), where=truth > 0)

    @property
    def miou(self) -> float:
        """Mean IoU over the classes present in the truth, background included; nan where there are none."""
        present = self.iou[~np.isnan(self.iou)]
        return float(present.mean()) if present.size else float("nan")

    @property
    def pixel_accuracy(self) -> float:
        """Share of the pixels that are right; nan before anything is counted."""
        total = self.matrix.sum()
        return float(np.trace(self.matrix) / total) if total else float("nan")

    def scores(self, split: str, background_rule: str, missing: list[str] | None = None) -> Scores:
        """Return the scores under the name of their split and of the rule that decided on background."""
        names = ["background", *self.classes.names]
        iou = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(names, self.iou, strict=True)
        }
        return Scores(
            self.miou, iou, self.pixel_accuracy, self.images, split, background_rule, list(missing or ())
        )

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values: class names, and the matrix by rows of true labels."""
        names = ["background", *self.classes.names]
        return {"classes": names, "matrix": self.matrix.tolist(), "images": self.images}


def object_iou(mask: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return the mean IoU in [0, 1] over the object classes of one photo's `truth` (uint8 H×W, 255 left out).

    With a single object this is the IoU of RITM's protocol. Without any object, background's IoU.
    """
    known = truth != VOID
    classes = [label for label in np.unique(truth[known]) if label != BACKGROUND] or [BACKGROUND]
    ious = []
    for label in classes:
        predicted, true = (mask == label) & known, truth == label
        union = np.count_nonzero(predicted | true)
        ious.append(np.count_nonzero(predicted & true) / union if union else 1.0)
    return float(np.mean(ious))


def evaluate_folders(
    pred: Path,
    gt: Path,
    classes: ClassList | None = None,
    split: str | None = None,
    background_rule: str = "as stored in the masks",
    report: Reporter | None = None,
    problems: list[str] | None = None,
) -> Scores:
    """Score a folder of masks (``<id>.png``) against true ones; either may be a VOC tree.

    `split` takes the images that the truth's tree lists under that name; without one all true masks count.
    A mask that is missing counts as void everywhere, hence as wrong, and is named in `Scores.missing`. The
    class list is the one given, else the one of a ``labelmap.txt`` or ``classes.txt`` in either folder,
    else VOC's. With `problems` a mask that cannot be scored is left out and told of there. Where photos lie
    beside the masks, `report` is told of those of another size.

    Raises `DataError` where a folder, the true masks or all others are missing, no true mask shows a class,
    and (without `problems`) where a mask is damaged, or sizes or labels disagree.
    """
    for folder in (pred, gt):
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder; give the folder that holds the masks")
    pred_masks, gt_masks = mask_folder(pred), mask_folder(gt)
    listed: list[str] = []
    ids = voc.split_ids(gt, split, listed) if split else None
    if listed and problems is None:
        raise DataError(listed[0])
    if ids is None:
        files = (path for path in gt_masks.rglob("*") if path.suffix in MASK_SUFFIXES and path.is_file())
        ids = sorted({path.relative_to(gt_masks).with_suffix("").as_posix() for path in files})
    if not ids:
        raise DataError(f"{gt_masks} holds no true masks to score against; give the folder that does")
    classes = classes or ClassList.of_folder(gt) or ClassList.of_folder(pred) or ClassList.voc()
    confusion, missing = Confusion(classes), []
    photos, odd = _photos(gt) | _photos(pred), []
    read_truth, read_mask = MaskReader(classes, gt).read, MaskReader(classes, pred).read
    with (report or NullReporter()).stage("evaluate", len(ids)) as stage:
        for image_id in ids:
            path = mask_file(pred_masks, image_id)
            try:
                truth = read_truth(mask_file(gt_masks, image_id))
                if image_id in photos and (size := _photo_size(photos[image_id], truth)) is not None:
                    odd.append(f"{image_id} (mask {_size(truth)}, photo {size})")
                if path.is_file():
                    _add(confusion, read_mask(path), truth, path)
                else:
                    missing.append(image_id)
                    confusion.add(np.full_like(truth, VOID), truth)
            except DataError as error:
                if problems is None:
                    raise
                problems.append(str(error))
            stage.advance(note=image_id)
    if odd and report is not None:
        report.message(
            f"warning: {len(odd)} true masks differ in size from their photos: {some_names(odd)}; they may "
            "be of other photos, turned or scaled"
        )
    if len(missing) == len(ids):
        raise DataError(f"{pred_masks} has none of the {len(ids)} masks of {gt_masks}; check both folders")
    if problems is None and not confusion.matrix[1:].any():
        raise DataError(f"the true masks in {gt_masks} show no class; {NO_CLASS}")
    return confusion.scores(split or voc.ALL, background_rule, missing)


def _photos(root: Path) -> dict[str, Path]:
    """The photos of a VOC tree by id, also where only its folder of masks is named."""
    tree = root.parent if root.name == MASK_FOLDER else root
    folder = tree / "JPEGImages"
    files = image_files(folder) if folder.is_dir() else []
    return {image_id: folder / file for file, image_id in assign_ids(files).items()}


def _photo_size(photo: Path, mask: NDArray[np.uint8]) -> str | None:
    """Width × height of a photo that is of another size than its mask; None of any other."""
    try:
        height, width = image_size(photo)
    except DataError:
        return None
    return None if (height, width) == mask.shape else f"{width}×{height}"


def _add(confusion: Confusion, mask: NDArray[np.uint8], truth: NDArray[np.uint8], path: Path) -> None:
    try:
        confusion.add(mask, truth)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _size(mask: NDArray[np.uint8]) -> str:
    return "×".join(map(str, mask.shape[::-1]))
