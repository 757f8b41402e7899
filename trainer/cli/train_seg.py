"""`train-seg DATA --out FILE`: a segmentation network from masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import (
    MOST,
    Classes,
    Data,
    Device,
    Json,
    Seed,
    Split,
    Threads,
    TrainingPrecision,
    Weights,
    Workers,
    prepare_torch,
    print_json,
    read_classes,
)


def run(
    data: Data,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The network's file, .safetensors.")],
    masks: Annotated[
        Path | None,
        typer.Option(
            "--masks", metavar="DIR", help="Masks <id>.png, or a VOC tree with them; default: DATA's own."
        ),
    ] = None,
    weights: Weights = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, max=MOST, help="Number of times each image is seen.", show_default=False
        ),
    ] = None,
    split: Split = "train",
    classes: Classes = None,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = "cpu",
    workers: Workers = None,
    precision: TrainingPrecision = "auto",
    json: Json = False,
) -> None:
    """Train a segmentation network on masks.

    The masks may be a pipeline's, a desk's export, or true ones; pixels of 255 teach nothing. `predict` takes
    the file. An interrupted training resumes when it is started again. Runs under torchrun too.
    """
    from trainer.data.atomic import check_writable
    from trainer.data.source import open_source
    from trainer.distributed import join_process_group
    from trainer.errors import DataError
    from trainer.learn.segmentation import RECIPE
    from trainer.models.bundle import Bundle, save_models
    from trainer.models.registry import BUNDLED
    from trainer.models.weights import load_backbone_weights
    from trainer.pipeline.segmentation import train_on_masks

    if out.is_dir():
        raise DataError(f"{out} is a folder; give the name of a file, such as {out / 'network.safetensors'}")
    check_writable(out)
    prepare_torch(threads, device)
    source = open_source(data, split, read_classes(classes))
    recipe = replace(RECIPE, seed=seed, epochs=epochs or RECIPE.epochs, precision=precision)
    backbone = load_backbone_weights(weights or BUNDLED)
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    with join_process_group(device) as group, open_reporter(json) as reporter:
        net = train_on_masks(
            source, masks or data, backbone, recipe, device, reporter, group, checkpoint, workers
        )
        if group.is_main:
            save_models(out, Bundle(source.classes.names, segmentation=net.cpu()))
            checkpoint.unlink(missing_ok=True)
            figures = {"network": str(out), "classes": source.classes.names, "epochs": recipe.epochs}
            if json:
                print_json(figures)
            else:
                print(out)
