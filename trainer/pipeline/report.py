"""One self-contained HTML page on a run: pictures of every stage, IoU tables, settings, times."""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

import resources
from trainer.data.atomic import unwritable, write_atomically
from trainer.data.classes import BACKGROUND, VOID, ClassList
from trainer.data.export_files import place
from trainer.data.images import load_image, load_mask
from trainer.data.masks import MaskReader
from trainer.data.palette import colour_of
from trainer.data.source import Item, Source
from trainer.errors import DataError
from trainer.evaluation import Scores, evaluate_folders
from trainer.pipeline.overview import (
    OverviewRow,
    draw_overview,
    ids_in,
    label_panel,
    shrink_maps,
    shrink_photo,
)
from trainer.pipeline.stage_names import LABEL_MAPS
from trainer.translatable import translatable

PUBLISHED = (
    ("CAM (Ahn & Kwak 2018)", "train", 48.0),
    ("CAM + random walk (Ahn & Kwak 2018)", "train", 58.1),
    ("pseudo masks of IRN (Ahn et al. 2019)", "train", 66.5),
    ("segmentation network, ResNet38 (Ahn & Kwak 2018)", "val", 61.7),
    ("segmentation network, ResNet38 (Ahn & Kwak 2018)", "test", 63.7),
)
"""Method, split of VOC 2012 and mIoU in percent as published; not measured here."""

_GENERATOR = "Affinity Annotator"
_MARK = f'<meta name="generator" content="{_GENERATOR}">'
_HEAD = 1000
"""Characters of a page in which its mark stands."""
_PARTIAL = ".report."
_SHORT = {
    "background": "bkg", "aeroplane": "aero", "bicycle": "bike", "diningtable": "table", "motorbike": "mbike",
    "pottedplant": "plant", "tvmonitor": "tv",
}  # fmt: skip


@dataclass(frozen=True)
class StageResult:
    """What one stage left: label maps ``<folder>/<id>.png``, and where known scores and seconds an image."""

    name: str
    folder: Path
    scores: Scores | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Table:
    """A table of figures: title, a sentence on it, names of the columns, and the rows as they are shown."""

    title: str
    about: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """All that stands on the page. `rows` are the pictures, `settings` any names and values worth keeping."""

    title: str
    about: str
    classes: ClassList
    stages: Sequence[StageResult]
    rows: Sequence[OverviewRow]
    settings: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    tables: Sequence[Table] = ()


def collect_stages(
    source: Source,
    run: Path,
    seconds: Mapping[str, float] | None = None,
    problems: list[str] | None = None,
) -> list[StageResult]:
    """Find the stages that a run with ``--stages`` left in `run`, scored where the data has true masks.

    `seconds` gives the seconds an image of a stage, by its folder's name; masks that cannot be scored are
    told of in `problems`. Raises DataError where no stage is found.
    """
    folders = {key: run / "stages" / key for key in LABEL_MAPS if (run / "stages" / key).is_dir()}
    if not folders:
        raise DataError(f"{run} holds no stages; run `pipeline {source.root} --out {run} --stages` first")
    scored = any(item.truth_path for item in source.items)
    found: list[str] = []
    stages = [
        StageResult(
            LABEL_MAPS[key],
            folder,
            evaluate_folders(folder, source.root, source.classes, source.split, problems=found)
            if scored
            else None,
            (seconds or {}).get(key),
        )
        for key, folder in folders.items()
    ]
    if problems is not None:
        problems += dict.fromkeys(found)
    return stages


def picture_rows(source: Source, stages: Sequence[StageResult], count: int = 12) -> list[OverviewRow]:
    """Make rows image | one column a stage | truth for `count` images spread evenly over the data.

    Images that the run left out, because they are damaged, are left out here too.
    """
    items = [item for item in source.items if any(_mask(stage, item).is_file() for stage in stages)]
    shown = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))
    truths = MaskReader(source.classes, source.root)
    return [_picture_row(items[index], stages, truths) for index in shown]


def _picture_row(item: Item, stages: Sequence[StageResult], truths: MaskReader) -> OverviewRow:
    paths = {stage.name: _mask(stage, item) for stage in stages}
    photo = shrink_photo(load_image(item.image_path))
    maps = {name: shrink_maps(load_mask(path), photo) for name, path in paths.items() if path.is_file()}
    if item.truth_path is not None:
        with suppress(DataError):  # told of where it was to be scored
            maps["truth"] = shrink_maps(truths.read(item.truth_path, item.image_path), photo)
    panels = {"image": photo} | {name: label_panel(photo, labels) for name, labels in maps.items()}
    caption = f"{item.id}: {', '.join(item.tags)}" if item.tags else item.id
    return OverviewRow(caption, panels, ids_in(maps.values()))


def _mask(stage: StageResult, item: Item) -> Path:
    return stage.folder / f"{item.id}.png"


def check_report(out: Path, force: bool = False) -> Path:
    """Return where the page of a report goes in the folder `out`.

    Raises `DataError` where a page of somebody else lies there, unless `force` is given.
    """
    page = out / "report.html"
    if not force and page.is_file() and _MARK not in page.read_text("utf-8", "replace")[:_HEAD]:
        raise DataError(
            translatable(
                "{page} is no report of this program; move it away, or choose another folder", page=page
            )
        )
    return page


def write_report(report: Report, out: Path, force: bool = False) -> Path:
    """Write ``report.html`` and ``figures/*.png`` to the folder `out`; returns the page's path.

    Those of a former report give way; files that are not of one, or were changed since, are an error unless
    `force` is given.
    """
    page = check_report(out, force)
    try:
        for left in out.glob(f"{_PARTIAL}*.partial"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, suffix=".partial", dir=out) as folder:
            pictures = Path(folder)
            draw_overview(report.rows, report.classes, report.title).save(pictures / "overview.png")
            for number, row in enumerate(report.rows, 1):
                draw_overview([row], report.classes).save(pictures / f"row-{number:02}.png")
            place(pictures, out / "figures", (), force, lambda: None)
    except OSError as error:
        raise DataError(unwritable(out, error)) from error
    with write_atomically(page) as temporary:
        temporary.write_text(render(report), "utf-8", newline="\n")
    return page


def render(report: Report) -> str:
    """Return the page as HTML that needs no other file."""
    pages = Environment(
        loader=FileSystemLoader(resources.path("report")), autoescape=True, undefined=StrictUndefined
    )
    pages.filters["jpeg"] = _data_url
    return pages.get_template("page.html").render(
        report=report,
        generator=_GENERATOR,
        published_scores=PUBLISHED,
        table=_class_table(report.stages),
        columns=list(dict.fromkeys(column for row in report.rows for column in row.panels)),
        legend=_legend(report),
    )


class ClassTable(NamedTuple):
    """IoU in [0, 1] by stage and class, the mean last, as VOC's own tables have it; `best` by column."""

    names: list[str]
    rows: list[tuple[str, list[float]]]
    best: list[float]


def _class_table(stages: Sequence[StageResult]) -> ClassTable | None:
    """Return the table of the stages that were scored; None where there are no true masks."""
    scored = [(stage.name, stage.scores) for stage in stages if stage.scores is not None]
    if not scored:
        return None
    names = [name for name, iou in scored[0][1].iou.items() if iou is not None]
    rows = [(stage, [scores.iou[name] or 0.0 for name in names] + [scores.miou]) for stage, scores in scored]
    best = [max(column) for column in zip(*(values for _, values in rows), strict=True)]
    return ClassTable([_SHORT.get(name, name) for name in names], rows, best)


def _legend(report: Report) -> list[tuple[str, str]]:
    """Return colour, as CSS has it, and name of every label that the pictures show."""
    names = {BACKGROUND: "background", VOID: "undecided"}
    return [
        (
            "#ffffff" if label == VOID else "#{:02x}{:02x}{:02x}".format(*colour_of(label)),
            names.get(label) or report.classes.name_of(label),
        )
        for label in sorted(frozenset().union(*(row.labels for row in report.rows)))
    ]


def _data_url(picture: np.ndarray) -> str:
    """Return a uint8 H×W×3 picture as a ``data:`` URL of a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
