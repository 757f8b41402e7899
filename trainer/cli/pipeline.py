"""`pipeline DATA --out DIR`: image tags in, masks out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import (
    Alpha,
    Classes,
    Classifier,
    Coverage,
    Crf,
    Data,
    Device,
    Epochs,
    Force,
    Json,
    Out,
    Propagation,
    Refine,
    Seed,
    Segmentation,
    Split,
    Threads,
    TrainingPrecision,
    Weights,
    Workers,
    percent,
    prepare_torch,
    print_json,
    print_table,
    read_classes,
)
from trainer.method.settings import COVERAGE, Settings

if TYPE_CHECKING:
    from trainer.pipeline.options import Options
    from trainer.pipeline.run import Result


def run(
    data: Data,
    out: Out,
    weights: Weights = None,
    classifier: Classifier = None,
    training: Annotated[
        bool,
        typer.Option(
            "--training/--no-training",
            help="--no-training trains nothing: all networks are those of --classifier, or the bundled ones.",
        ),
    ] = True,
    mode: Propagation = Settings.mode,
    alpha: Alpha = None,
    coverage: Coverage = COVERAGE,
    crf: Crf = None,
    segmentation: Segmentation = None,
    refine: Refine = True,
    stages: Annotated[
        bool, typer.Option("--stages", help="Run every stage and keep their label maps, in DIR/stages.")
    ] = False,
    epochs: Epochs = None,
    force: Force = False,
    split: Split = "train",
    classes: Classes = None,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = "cpu",
    workers: Workers = None,
    precision: TrainingPrecision = "auto",
    json: Json = False,
) -> None:
    """Make masks from image-level tags.

    Trains a classifier on the tags, reads seed cues off its activation maps, trains AffinityNet on them,
    propagates, lets the stroke network draw the outlines and a segmentation network learn from the result.
    Leaves a VOC tree with the masks, overview.png and run.json in DIR. Where the data has true masks, every
    stage is scored. When started again, an interrupted run resumes.
    """
    from trainer.data.source import open_source
    from trainer.distributed import join_process_group
    from trainer.pipeline.run import run_pipeline

    prepare_torch(threads, device)
    options = pipeline_options(
        weights,
        classifier,
        mode,
        alpha,
        coverage,
        crf,
        segmentation,
        refine,
        stages,
        epochs,
        force,
        seed,
        device,
    )
    options = replace(options, training=training, workers=workers, precision=precision)
    source = open_source(data, split, read_classes(classes))
    with join_process_group(device) as group, open_reporter(json) as report:
        result = run_pipeline(source, out, options, report, group)
        if not group.is_main:
            return
        for warning in result.warnings:
            report.message(f"warning: {warning}")
    if json:
        print_json(result.to_json())
    else:
        _print(result, out)


def pipeline_options(
    weights: str | None,
    classifier: Path | None,
    mode: str,
    alpha: float | None,
    coverage: float,
    crf: bool | None,
    segmentation: bool | None,
    refine: bool,
    stages: bool,
    epochs: int | None,
    force: bool,
    seed: int,
    device: str,
) -> Options:
    """Return the options of a run as given on the command line; None stands for the default."""
    from trainer.models.registry import BUNDLED
    from trainer.pipeline.options import Options

    settings = replace(Settings(), mode=mode, refine=refine)
    if alpha is not None:
        settings = settings.calibrated(alpha, alpha)
    if crf is not None:
        settings = replace(settings, mask_crf=crf)
    options = Options(
        weights=weights or BUNDLED,
        classifier=classifier,
        settings=settings,
        calibrate=alpha is None,
        coverage=coverage,
        segmentation=segmentation,
        stages=stages,
        seed=seed,
        force=force,
        device=device,
    )
    if epochs is None:
        return options
    recipe = replace(options.classifier_recipe, epochs=epochs)
    return replace(options, classifier_recipe=recipe, least_steps=1)


def _print(result: Result, out: Path) -> None:
    if result.scores:
        rows = [
            (stage, percent(scores.miou), scores.background_rule) for stage, scores in result.scores.items()
        ]
        print_table(
            f"mIoU on {result.images} images, split {result.split}", ["stage", "mIoU", "background"], rows
        )
    print(f"{out / 'SegmentationClass'}: {result.images} masks")
    print(f"{out / 'overview.png'}: the way to them in pictures")
