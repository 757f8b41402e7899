"""The classifier behind the bundled weights: from a folder of tagged photos to a file of models."""

from dataclasses import replace
from pathlib import Path

import pytest

from trainer.data.source import open_source
from trainer.distill import tag_classifier
from trainer.distill.tag_classifier import SEEN, train_classifier
from trainer.learn.augment import Augmentation
from trainer.learn.loop import Recipe
from trainer.models.bundle import load_models
from trainer.models.registry import BUNDLED


def test_tagged_photos_make_a_file_of_models(
    voc_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    views = Augmentation(long_side=(48, 64), crop=64)
    monkeypatch.setattr(tag_classifier, "RECIPE", Recipe(1, 2, views=views))
    out = tmp_path / "classifier.safetensors"
    train_classifier(open_source(voc_tree), BUNDLED, out, epochs=2)
    made = load_models(out)
    assert made.classifier is not None and made.classifier.class_count == len(made.classes) == 20
    assert made.info["cam_side"] == SEEN["cam_side"]
    assert not out.with_suffix(".checkpoint").exists()
    assert "step 4/4" in capsys.readouterr().out


def test_photos_without_tags_teach_nothing(
    voc_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = Augmentation(long_side=(48, 64), crop=64)
    monkeypatch.setattr(tag_classifier, "RECIPE", Recipe(1, 2, views=views))
    source = open_source(voc_tree)
    first, *others = source.items
    made = []
    for name, items in (("some", [replace(first, tags=None), *others]), ("without", others)):
        out = tmp_path / f"{name}.safetensors"
        train_classifier(replace(source, items=items), BUNDLED, out, epochs=1)
        made.append(out.read_bytes())
    assert made[0] == made[1]
