"""Arguments and options that several commands share, so that they mean and read the same everywhere."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from trainer.method.propagations import PROPAGATIONS
from trainer.method.settings import SEGMENTATION_FROM, Precision

if TYPE_CHECKING:
    from trainer.data.classes import ClassList


MOST_THREADS = max(256, os.cpu_count() or 1)
"""More threads than this no machine runs; the system ends a process that asks for very many."""
MOST = 1_000_000
"""The most that a number of epochs, batches, clicks or photos can be."""
_MOST_SEED = 2**63 - 1


def finite(number: float | None) -> float | None:
    """Refuse what a comparison with bounds lets pass: nan."""
    if number is not None and not math.isfinite(number):
        raise typer.BadParameter("it has to be a number")
    return number


def _propagation(name: str) -> str:
    if name not in PROPAGATIONS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(PROPAGATIONS)}")
    return name


Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A VOC tree (JPEGImages, ImageSets or Annotations), or a folder of images with tags.csv.",
    ),
]
Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder for the results; created if missing.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print figures as JSON on standard output, progress elsewhere.")
]
Split = Annotated[str, typer.Option("--split", help="Split of a VOC tree; 'all' takes every image.")]
Classes = Annotated[
    Path | None,
    typer.Option(
        "--classes",
        metavar="FILE",
        help="Class list, one name per line; default: the data's own list, else VOC's 20 classes.",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE|NAME",
        help="Backbone to start from: a torchvision or DINOv2 .pth, safetensors or PSA/IRN file, or a name. "
        "Default: the bundled one.",
    ),
]
Device = Annotated[str, typer.Option("--device", help="Where to compute: cpu, cuda, cuda:1 ...")]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, max=_MOST_SEED, help="Random seed; the same seed gives the same masks."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=MOST_THREADS, help="CPU threads; default: all cores.", show_default=False
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        max=64,
        help="Processes that load photos for the trainings, at no difference to the result; "
        "by itself some for a GPU, none for a CPU with few cores.",
        show_default=False,
    ),
]
TrainingPrecision = Annotated[
    Precision,
    typer.Option(
        "--precision",
        help="Precision of the trainings; auto: bfloat16 on GPUs made for it, else float32.",
    ),
]
Classifier = Annotated[
    Path | None,
    typer.Option(
        "--classifier", metavar="FILE", help="Trained models to use instead of training a classifier."
    ),
]
Propagation = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="|".join(PROPAGATIONS),
        parser=_propagation,
        help="Propagation: "
        + ", ".join(f"{mode.name} ({mode.label.lower()})" for mode in PROPAGATIONS.values())
        + ".",
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(
        "--alpha",
        min=0.01,
        max=1000,
        callback=finite,
        help="Background exponent; default: found from --coverage.",
        show_default=False,
    ),
]
Coverage = Annotated[
    float,
    typer.Option(
        "--coverage",
        min=0.001,
        max=0.999,
        callback=finite,
        help="Share of a photo that its tagged objects cover, on average.",
    ),
]
Crf = Annotated[
    bool | None,
    typer.Option("--crf/--no-crf", help="Refine the masks with the dense CRF.", show_default=False),
]
Segmentation = Annotated[
    bool | None,
    typer.Option(
        "--segmentation/--no-segmentation",
        help=f"Train a segmentation network on the masks and use its masks as the final ones; "
        f"by itself from {SEGMENTATION_FROM} photos on.",
        show_default=False,
    ),
]
Refine = Annotated[
    bool,
    typer.Option(
        "--refine/--no-refine",
        help="Let the stroke network, which has seen masks of objects, draw the outlines. Without it nothing "
        "but image tags is learnt from.",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", min=1, max=MOST, help="Epochs of the classifier.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Write into a folder that holds other files.")]


def prepare_torch(threads: int | None, device: str) -> None:
    """Let torch use so many CPU threads (None: its own choice); raises UserError without the device."""
    import torch

    from trainer.devices import check

    if threads is not None:
        torch.set_num_threads(threads)
    check(device)


def read_classes(path: Path | None) -> ClassList | None:
    """Read the class list given on the command line, if any; raises DataError naming a bad file."""
    from trainer.data.classes import ClassList

    return None if path is None else ClassList.from_file(path)


def percent(fraction: float | None) -> str:
    """Write a fraction in [0, 1] in percent with one decimal; a dash for None and nan."""
    return "–" if fraction is None or fraction != fraction else f"{100 * fraction:.1f}"


def print_json(record: object) -> None:
    """Print figures as JSON; those that are no numbers become null."""
    from trainer.data.files import json_text

    print(json_text(record))


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print figures as a table: the first column names, the others numbers."""
    table = Table(box=box.SIMPLE_HEAD)
    for index, name in enumerate(head):
        table.add_column(name, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    print(title)
    Console(highlight=False, markup=False, emoji=False).print(table)
