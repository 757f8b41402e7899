"""`simulate DATA --models FILE`: how many clicks a careful annotator needs."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Data, Device, Json, Split, Threads, percent, prepare_torch, print_table


def run(
    data: Data,
    models: Annotated[
        Path,
        typer.Option("--models", metavar="FILE", help="Classifier and AffinityNet of a run or of the desk."),
    ],
    clicks: Annotated[
        int, typer.Option("--clicks", min=1, help="Clicks on an image after which to give up.")
    ] = 20,
    split: Split = "train",
    threads: Threads = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Count the clicks that a robot needs to correct the proposals.

    It clicks into the middle of the largest wrong area, as the interactive protocol of RITM has it
    (NoC@85, NoC@90).
    """
    from trainer.data.classes import ClassList
    from trainer.data.source import open_source
    from trainer.engine import Engine
    from trainer.models.bundle import load_models
    from trainer.robot import TARGETS, simulate

    prepare_torch(threads, device)
    bundle = load_models(models)
    source = open_source(data, split, ClassList.of_folder(data) or ClassList(bundle.classes))
    engine = Engine.from_bundle(bundle, source.classes, device=device)
    with open_reporter(json) as reporter:
        for problem in source.problems:
            reporter.message(f"warning: {problem}")
        simulation = simulate(engine, source, clicks, reporter)
    if json:
        print(json_format.dumps(simulation.to_json(), indent=2))
        return
    rows = [(f"clicks to {percent(t)} % IoU", f"{simulation.noc(t):.2f}") for t in TARGETS]
    rows += [(f"never at {percent(t)} % IoU", str(simulation.failures(t))) for t in TARGETS]
    rows += [
        (f"IoU % after {n} clicks", percent(simulation.iou(n))) for n in (0, 1, 3, 5, 10, 20) if n <= clicks
    ]
    print_table(
        f"{len(simulation.courses)} images, split {source.split}, at most {clicks} clicks", ("", ""), rows
    )
