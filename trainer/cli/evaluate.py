"""`evaluate PRED GT`: score a folder of masks against the true ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Classes, Json, percent, print_json, print_table, read_classes


def run(
    pred: Annotated[
        Path, typer.Argument(metavar="PRED", help="Masks to score: a folder of <id>.png or a VOC tree.")
    ],
    gt: Annotated[
        Path, typer.Argument(metavar="GT", help="True masks, likewise; pixels of 255 are ignored.")
    ],
    classes: Classes = None,
    split: Annotated[
        str | None,
        typer.Option("--split", help="Score the images of this split of GT only.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Score masks against the true ones.

    Prints the IoU of every class that the true masks show, and their mean, background included.
    """
    from trainer.evaluation import evaluate_folders

    with open_reporter(json) as reporter:
        scores = evaluate_folders(pred, gt, read_classes(classes), split, report=reporter)
    if json:
        print_json(scores.to_json())
        return
    rows = [(name, percent(value)) for name, value in scores.iou.items() if value is not None]
    print_table(
        f"{scores.images} images, split {scores.split}, background {scores.background_rule}",
        ("class", "IoU %"),
        [*rows, ("mean", percent(scores.miou))],
    )
    if scores.missing:
        print(f"{len(scores.missing)} masks are missing and count as wrong, {scores.missing[0]} among them.")
