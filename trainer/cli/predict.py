"""`predict DATA --models FILE --out DIR`: masks by a trained segmentation network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Data, Device, Force, Json, Out, Split, Threads, prepare_torch, print_json


def run(
    data: Data,
    models: Annotated[
        Path, typer.Option("--models", metavar="FILE", help="A network of train-seg or of a pipeline run.")
    ],
    out: Out,
    only_tags: Annotated[
        bool, typer.Option("--tags", help="Restrict tagged images to their tagged classes and background.")
    ] = False,
    crf: Annotated[bool, typer.Option(help="Refine the masks with the dense CRF.")] = True,
    force: Force = False,
    split: Split = "all",
    threads: Threads = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Predict masks with a segmentation network.

    Images need no tags. Leaves DIR/SegmentationClass/<id>.png. Runs under torchrun too.
    """
    from trainer.data.classes import ClassList
    from trainer.data.source import open_source
    from trainer.distributed import join_process_group
    from trainer.errors import WeightsError
    from trainer.models.bundle import load_models
    from trainer.pipeline.segmentation import predict_masks

    prepare_torch(threads, device)
    bundle = load_models(models)
    if bundle.segmentation is None:
        raise WeightsError(f"{models} has no segmentation network; give a file of train-seg")
    source = open_source(data, split, ClassList(bundle.classes))
    with join_process_group(device) as group, open_reporter(json) as reporter:
        net = bundle.segmentation.to(device).eval()
        problems = source.problems + predict_masks(net, source, out, only_tags, crf, force, reporter, group)
        if not group.is_main:
            return
        for problem in problems:
            reporter.message(f"warning: {problem}")
    if json:
        print_json({"out": str(out), "images": len(source.items), "problems": problems})
    else:
        print(out / "SegmentationClass")
