"""A backbone of any stride goes all the way: it takes its class and its line in the table, nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainer.data.images import load_image, load_mask
from trainer.data.source import open_source
from trainer.engine import Engine
from trainer.learn.augment import Augmentation
from trainer.learn.loop import Recipe
from trainer.method.settings import Settings
from trainer.models.backbones import BACKBONES, build_backbone
from trainer.models.base import Backbone, Tap
from trainer.models.bundle import load_models
from trainer.models.weights import save_backbone
from trainer.pipeline.options import Options
from trainer.pipeline.run import run_pipeline

QUICK = Recipe(1, 2, views=Augmentation(long_side=(48, 64), crop=64))
SMALL = Settings(max_side=96, cam_side=96, scales=(1.0, 0.5), steps=8)


class Tiles(Backbone):
    """Three linear maps of tiles of 10×10 pixels, the deepest one of pairs of them: strides of 10 and 20."""

    name = "tiles"
    affinity_taps = ("tiles", "mixed", "pairs")
    output_strides = (20,)
    usual_stride = 20

    def __init__(self, output_stride: int = usual_stride) -> None:
        super().__init__(output_stride)
        self.tiles = nn.Conv2d(3, 8, 10, 10)
        self.mixed = nn.Conv2d(8, 12, 1)
        self.pairs = nn.Conv2d(12, 16, 2, 2)
        self.taps = (Tap("tiles", 8, 10, 4.5), Tap("mixed", 12, 10, 4.5), Tap("pairs", 16, 20, 9.5))

    def walk(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """See :meth:`Backbone.walk`."""
        height, width = x.shape[-2:]
        x = nn.functional.pad(x, (0, -width % 20, 0, -height % 20))
        cells = -(-height // 10), -(-width // 10)
        for name, layer in self.named_children():
            x = layer(x)
            yield name, x[..., : cells[0], : cells[1]] if name != "pairs" else x


@pytest.mark.parametrize("name", ["vit_small_14", "tiles"])
def test_a_pipeline_run_trains_it_and_the_engine_proposes_with_what_was_learnt(
    name: str, voc_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "tiles", Tiles)
    torch.manual_seed(0)
    save_backbone(tmp_path / "weights.safetensors", build_backbone(name))
    options = Options(
        weights=tmp_path / "weights.safetensors",
        settings=replace(SMALL, mask_crf=False),
        classifier_recipe=QUICK,
        affinity_recipe=QUICK,
        segmentation_recipe=QUICK,
        least_steps=1,
        segmentation=True,
        stages=True,
    )
    source = open_source(voc_tree)
    result = run_pipeline(source, tmp_path / "out", options)
    assert result.warnings == []
    for item in source.items:
        assert load_mask(tmp_path / "out" / "SegmentationClass" / f"{item.id}.png").shape == (40, 60)

    models = load_models(tmp_path / "out" / "models.safetensors")
    assert models.classifier is not None
    assert models.classifier.backbone.name == name
    tags = [tag for tag in source.items[0].tags or () if tag in models.classes][:1]
    image = load_image(source.items[0].image_path)
    for settings in (SMALL, replace(SMALL, segmentation=True)):
        proposal = Engine.from_bundle(models, settings=settings).propose(image, tags)
        assert proposal.mask.shape == image.shape[:2]
        assert proposal.cams.shape == (len(tags), *image.shape[:2])
        assert np.isfinite(proposal.scores).all()
