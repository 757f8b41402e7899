"""`simulate DATA --models FILE`: how many clicks a simulated annotator needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import (
    MOST,
    Classes,
    Device,
    Json,
    Seed,
    Split,
    Threads,
    prepare_torch,
    print_json,
    print_table,
    read_classes,
)
from trainer.robot import GRABCUT, METHODS, OURS, RANDOM_WALKER, CurveOptions, Order, ProtocolName

if TYPE_CHECKING:
    from trainer.data.classes import ClassList
    from trainer.robot.methods import Method
    from trainer.robot.photos import PhotoSet
    from trainer.robot.record import CourseRecord
    from trainer.robot.scores import Interval, Simulation

SHOWN_CLICKS = (0, 1, 3, 5, 10, 20)
"""Numbers of clicks after which the table shows the mean IoU."""


def run(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A data set with true masks in SegmentationClass, or a folder of images and masks "
            "(one object each: 255, void 128, background 0).",
        ),
    ],
    models: Annotated[
        Path | None,
        typer.Option(
            "--models", metavar="FILE", help="Models of a run or of the desk; default: the bundled ones."
        ),
    ] = None,
    protocol: Annotated[
        ProtocolName,
        typer.Option(
            "--protocol",
            help="clicks: RITM's, from nothing, each class of a photo in turn as an object of an unknown "
            "class. proposal: from the proposal, all classes at once. noisy: likewise, with clicks off the "
            "centre that spill over the edge, one in ten wrong and then corrected.",
        ),
    ] = "clicks",
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME,NAME",
            help=f"What answers the clicks: {', '.join(METHODS)}; the others are compared with the first.",
        ),
    ] = OURS,
    clicks: Annotated[
        int | None,
        typer.Option(
            "--clicks",
            min=1,
            max=MOST,
            help="Clicks on a photo; 20 by the protocol clicks, else 10.",
            show_default=False,
        ),
    ] = None,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve",
            help="Correct photos one after another instead, and see what that does for those not corrected "
            "yet: with the trainer on, and off.",
        ),
    ] = False,
    order: Annotated[
        Order,
        typer.Option("--order", help="In which order --curve corrects photos: as suggested, or by chance."),
    ] = "suggested",
    corrected: Annotated[
        int | None,
        typer.Option(
            "--corrected",
            min=1,
            max=MOST,
            help="Photos that --curve corrects; default: one in ten.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        int,
        typer.Option("--every", min=1, max=MOST, help="After so many of them --curve looks at the others."),
    ] = 4,
    sample: Annotated[
        int,
        typer.Option(
            "--sample",
            min=0,
            max=MOST,
            help="Photos on which --curve counts strokes; it scores the masks of all.",
        ),
    ] = 40,
    strokes_only: Annotated[
        bool, typer.Option("--strokes-only", help="With --curve: strokes alone, no mask is accepted.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FILE", help="Draw the result of --curve.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Keep each result in a file at once; the same command goes on from there where it was "
            "interrupted.",
            show_default=False,
        ),
    ] = None,
    skip: Annotated[str, typer.Option("--skip", metavar="ID,ID", help="Photos to leave out.")] = "",
    exclude: Annotated[
        Path | None, typer.Option("--exclude", metavar="FILE", help="Ids of more such photos, one a line.")
    ] = None,
    step: Annotated[int, typer.Option("--step", min=1, max=MOST, help="Take every N-th photo.")] = 1,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, max=MOST, help="Take the first N photos.", show_default=False),
    ] = None,
    classes: Classes = None,
    split: Split = "all",
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Count the clicks that a simulated annotator needs.

    It clicks into the middle of the deepest error, as the interactive protocol of RITM has it (NoC@85,
    NoC@90), and paints a disc of 5 pixels. Drops are right clicks after which IoU fell by more than 0.05.
    """
    from trainer.errors import UserError
    from trainer.robot.photos import open_photos
    from trainer.robot.protocols import PROTOCOLS, simulate
    from trainer.robot.scores import differences

    if picture is not None:
        _check_picture(picture)
    prepare_torch(threads, device)
    names = _method_names(method)
    chosen = PROTOCOLS[protocol]
    photos = open_photos(data, split, read_classes(classes))
    selected = photos.select({*skip.split(","), *_listed(exclude)}, step, limit)
    if curve:
        if out is not None:
            raise UserError("--out keeps no results of --curve; leave one of the two out")
        from trainer.cli.simulate_curve import run_curve

        count = corrected or max(1, round(len(selected.photos) / 10))
        run_curve(
            selected,
            models,
            device,
            CurveOptions(count, every, order, not strokes_only, sample, seed),
            json,
            picture,
        )
        return
    methods = _methods(names, models, chosen.classes(photos.classes), device)
    record = None
    if out is not None:
        options = {"protocol": protocol, "method": names, "clicks": clicks or chosen.clicks, "seed": seed}
        record = _open_record(out, selected, models, options | {"device": device, "threads": threads})
    with open_reporter(json) as reporter:
        simulations, damaged = simulate(methods, selected, chosen, clicks, seed, reporter, record)
        problems = [*selected.problems, *damaged]
        for problem in problems:
            reporter.message(f"warning: {problem}")
    first, others = simulations[0], simulations[1:]
    compared = [(other, differences(first, other, seed)) for other in others]
    if json:
        figures = {"protocol": protocol, "split": photos.split, **first.to_json()}
        figures["others"] = [
            other.to_json() | {"difference": {name: value._asdict() for name, value in intervals.items()}}
            for other, intervals in compared
        ]
        print_json(figures | {"problems": problems})
        return
    _print(protocol, photos.split, first, compared)


def _check_picture(path: Path) -> None:
    """Raise UserError where the picture could not be written in the end."""
    from trainer.data.atomic import check_writable
    from trainer.data.images import IMAGE_SUFFIXES
    from trainer.errors import UserError

    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise UserError(f"--picture {path} names no kind of picture; end it in .png")
    check_writable(path)


def _method_names(listed: str) -> list[str]:
    from trainer.errors import UserError

    names = list(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
    if not names or not set(names) <= set(METHODS):
        raise UserError(f"--method {listed} is unknown; choose from {', '.join(METHODS)}")
    return names


def _listed(path: Path | None) -> list[str]:
    """Return the ids that a file lists, one a line."""
    from trainer.data.files import read_text

    if path is None:
        return []
    return [line.strip() for line in read_text(path, "the list of photos").splitlines()]


def _methods(names: Sequence[str], models: Path | None, classes: ClassList, device: str) -> list[Method]:
    from trainer.engine import Engine
    from trainer.models.bundle import load_models
    from trainer.robot.methods import GrabCut, Ours, RandomWalker

    def ours() -> Ours:
        if models is None:
            return Ours(Engine.bundled(classes=classes, device=device))
        return Ours(Engine.from_bundle(load_models(models), classes=classes, device=device))

    makers: dict[str, Any] = {OURS: ours, RANDOM_WALKER: RandomWalker, GRABCUT: GrabCut}
    return [makers[name]() for name in names]


def _open_record(out: Path, photos: PhotoSet, models: Path | None, options: dict[str, Any]) -> CourseRecord:
    """Open the file that keeps the courses; raises DataError where it holds those of another command."""
    from trainer.about import library_versions
    from trainer.data.digest import digest_if_readable
    from trainer.models.registry import BUNDLED, BUNDLED_STROKES
    from trainer.robot.record import CourseRecord, photos_digest

    key = options | {
        "split": photos.split,
        "classes": photos.classes.names,
        "photos": photos_digest(photos),
        "models": [digest_if_readable(file) for file in (models or BUNDLED, BUNDLED_STROKES)],
        "versions": library_versions(),
    }
    return CourseRecord(out, key)


def _print(
    protocol: str, split: str, first: Simulation, compared: Sequence[tuple[Simulation, dict[str, Interval]]]
) -> None:
    """Print one row a figure; of each further method the figure, and the 95 % interval of its difference
    from the first method's.
    """
    columns = [simulation.figures() for simulation in (first, *(other for other, _ in compared))]
    rows = []
    for name in columns[0]:
        kind, _, number = name.partition("@")
        if kind == "iou" and int(number) not in SHOWN_CLICKS:
            continue
        unit = "" if kind == "noc" else " %"
        row = [name + unit, _figure(columns[0][name], unit)]
        for figures, (_, intervals) in zip(columns[1:], compared, strict=True):
            _, low, high = (_figure(value, unit, sign="+") for value in intervals[name])
            row += [_figure(figures[name], unit), f"{low}…{high}"]
        rows.append(row)
    head, seconds = ["", first.method], ["s/click", f"{first.seconds_per_click():.3f}"]
    for other, _ in compared:
        head += [other.method.replace("-", " "), f"minus {first.method}, 95 %"]
        seconds += [f"{other.seconds_per_click():.3f}", ""]
    print_table(
        f"{len(first.courses)} objects in {first.images} images, split {split}, protocol {protocol}, "
        f"{first.max_clicks} clicks",
        head,
        [*rows, seconds],
    )


def _figure(value: float, unit: str, sign: str = "") -> str:
    """Write a share in percent with one decimal, a number of clicks with two."""
    return f"{100 * value:{sign}.1f}" if unit else f"{value:{sign}.2f}"
