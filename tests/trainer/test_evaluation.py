import json

import numpy as np
import pytest

from trainer.data.classes import ClassList
from trainer.data.images import load_mask, save_mask
from trainer.errors import DataError
from trainer.evaluation import Confusion, evaluate_folders
from trainer.progress import NullReporter

CLASSES = ClassList(("cat", "dog", "cup"))


def plain_iou(pred, truth, label):
    """IoU from its definition, pixel sets over all decided pixels."""
    decided = truth != 255
    if not (truth[decided] == label).any():
        return np.nan
    mine, true = (pred == label) & decided, (truth == label) & decided
    return (mine & true).sum() / (mine | true).sum()


def test_iou_is_its_definition_over_all_images_together(rng):
    shape = (6, 13, 17)
    truth = rng.choice([0, 1, 2, 255], shape).astype(np.uint8)
    pred = rng.choice([0, 1, 2, 3, 255], shape).astype(np.uint8)
    confusion = Confusion(CLASSES)
    for one_pred, one_truth in zip(pred, truth, strict=True):
        confusion.add(one_pred, one_truth)
    expected = [plain_iou(pred, truth, label) for label in range(4)]
    np.testing.assert_allclose(confusion.iou, expected)
    assert np.isnan(confusion.iou[3])
    assert confusion.miou == pytest.approx(np.nanmean(expected))
    decided = truth != 255
    assert confusion.pixel_accuracy == pytest.approx((pred == truth)[decided].mean())


def test_parts_merge_into_the_whole(rng):
    masks = rng.integers(0, 4, (4, 2, 9, 9), np.uint8)
    whole, parts = Confusion(CLASSES), [Confusion(CLASSES), Confusion(CLASSES)]
    for number, (pred, truth) in enumerate(masks):
        whole.add(pred, truth)
        parts[number % 2].add(pred, truth)
    parts[0].merge(parts[1])
    assert parts[0].to_json() == whole.to_json()


def test_a_void_prediction_is_wrong_but_blames_no_class():
    confusion = Confusion(CLASSES)
    confusion.add(np.array([[1, 255, 0, 0]], np.uint8), np.array([[1, 1, 0, 255]], np.uint8))
    np.testing.assert_allclose(confusion.iou[:2], [1.0, 0.5])
    assert confusion.pixel_accuracy == pytest.approx(2 / 3)


def test_before_anything_is_counted_there_is_no_score():
    assert np.isnan(Confusion(CLASSES).miou)
    assert np.isnan(Confusion(CLASSES).pixel_accuracy)


@pytest.mark.parametrize("bad", [np.zeros((2, 3), np.uint8), np.full((2, 2), 4, np.uint8)])
def test_other_sizes_and_unknown_labels_are_errors(bad):
    good = np.zeros((2, 2), np.uint8)
    for pair in ((bad, good), (good, bad)):
        with pytest.raises(DataError):
            Confusion(CLASSES).add(*pair)


def test_a_tree_scores_full_marks_against_itself(voc_tree):
    scores = evaluate_folders(voc_tree, voc_tree, split="train")
    assert (scores.miou, scores.images, scores.split) == (1.0, 3, "train")
    assert scores.iou["cat"] == 1.0
    assert scores.iou["sheep"] is None
    assert json.loads(json.dumps(scores.to_json()))["iou"]["background"] == 1.0


def test_folders_of_masks_are_scored_and_missing_ones_count_as_wrong(voc_tree, tmp_path):
    for name in ("one", "two", "three"):
        save_mask(tmp_path / "pred" / f"{name}.png", load_mask(voc_tree / f"SegmentationClass/{name}.png"))
    scores = evaluate_folders(tmp_path / "pred", voc_tree / "SegmentationClass", background_rule="α = 2")
    assert (scores.split, scores.background_rule, scores.missing) == ("all", "α = 2", ["four"])
    assert scores.images == 4
    assert scores.iou["cat"] == 1.0
    assert scores.iou["person"] == pytest.approx(0.5)


def test_what_cannot_be_scored_is_named(voc_tree, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        evaluate_folders(tmp_path / "nowhere", voc_tree)
    (tmp_path / "pred").mkdir()
    with pytest.raises(DataError, match="none of the 4"):
        evaluate_folders(tmp_path / "pred", voc_tree)
    save_mask(tmp_path / "pred/one.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match=r"one\.png.*2×2.*60×40"):
        evaluate_folders(tmp_path / "pred", voc_tree)
    with pytest.raises(DataError, match="test"):
        evaluate_folders(voc_tree, voc_tree, split="test")


@pytest.mark.parametrize("named", [".", "SegmentationClass"])
def test_masks_of_another_size_than_their_photos_are_told_of(voc_tree, named):
    class Told(NullReporter):
        def __init__(self):
            self.texts = []

        def message(self, text):
            self.texts.append(text)

    told = Told()
    evaluate_folders(voc_tree / named, voc_tree / named, report=told)
    assert not told.texts
    one = voc_tree / "SegmentationClass/one.png"
    save_mask(one, np.ascontiguousarray(load_mask(one)[::2, ::2]))
    evaluate_folders(voc_tree / named, voc_tree / named, report=told)
    (text,) = told.texts
    assert "1 true masks differ in size from their photos: one (mask 30×20, photo 60×40)" in text


@pytest.mark.shared_data
def test_real_masks_score_full_marks_against_themselves(shared):
    scores = evaluate_folders(shared / "data/msrc", shared / "data/msrc", split="train")
    assert (scores.miou, scores.images, scores.missing) == (1.0, 237, [])
    assert sum(value is not None for value in scores.iou.values()) == 13
