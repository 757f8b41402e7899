"""`report DATA --out DIR`: one HTML page on a pipeline run in DIR, which is started or resumed first.

Of a project file it is a page on the project.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import (
    MOST,
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
    prepare_torch,
    print_json,
    read_classes,
)
from trainer.cli.pipeline import pipeline_options
from trainer.method.settings import COVERAGE

if TYPE_CHECKING:
    from trainer.data.source import Source
    from trainer.pipeline.report import StageResult
    from trainer.progress import Reporter

_UNTOLD = ("data", "classes", "versions")


def run(
    data: Data,
    out: Out,
    pictures: Annotated[
        int, typer.Option("--pictures", min=0, max=MOST, help="Images to show, spread over the data.")
    ] = 12,
    weights: Weights = None,
    classifier: Classifier = None,
    mode: Propagation = "walk",
    alpha: Alpha = None,
    coverage: Coverage = COVERAGE,
    crf: Crf = None,
    segmentation: Segmentation = None,
    refine: Refine = True,
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
    """Write a page with pictures, IoU tables, settings and times of every stage.

    If DATA is the file of a project (project.sqlite), the page shows its accepted masks, and how many photos,
    objects, pixels, strokes and minutes there are.

    Where DIR has no finished `pipeline --stages` of the data, that is run or resumed first, with the options
    given here. report.html needs no other file; the pictures also lie in DIR/figures as PNG.
    """
    from trainer.data.source import open_source
    from trainer.distributed import join_process_group
    from trainer.pipeline.outputs import RUN_FILE
    from trainer.pipeline.report import check_report
    from trainer.pipeline.run import run_pipeline
    from trainer.pipeline.stage_names import LABEL_MAPS

    if data.is_file():
        check_report(out, force)
        _report_project(data, out, pictures, force, json)
        return
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
        True,
        epochs,
        force,
        seed,
        device,
    )
    options = replace(options, workers=workers, precision=precision)
    source = open_source(data, split, read_classes(classes))
    check_report(out, force)
    with join_process_group(device) as group, open_reporter(json) as reporter:
        if not LABEL_MAPS.keys() <= set(_read_record(out / RUN_FILE).get("stages", ())):
            run_pipeline(source, out, options, reporter, group)
        if not group.is_main:
            return
        page, stages = _draw(source, out, _read_record(out / RUN_FILE), pictures, force, reporter)
    if json:
        print_json(_figures(source, page, stages))
    else:
        print(page)


def _report_project(file: Path, out: Path, pictures: int, force: bool, json: bool) -> None:
    """Write the page of a project."""
    from trainer.data.project import Project, Status
    from trainer.data.statistics import project_statistics
    from trainer.pipeline.project_report import write_project_report

    with closing(Project.open(file, reading=True)) as project, open_reporter(json) as reporter:
        accepted = sum(record.status is Status.ACCEPTED for record in project.images())
        with reporter.stage("count", accepted) as stage:
            statistics = project_statistics(project, lambda image_id: stage.advance(note=image_id))
        page = write_project_report(project, statistics, out, pictures, force)
    if json:
        print_json({"page": str(page), **statistics.to_json()})
    else:
        print(page)


def _draw(
    source: Source, out: Path, record: dict[str, Any], pictures: int, force: bool, reporter: Reporter
) -> tuple[Path, list[StageResult]]:
    """Write the page of a finished run; return its path and the stages it covers."""
    from trainer.about import library_versions
    from trainer.pipeline.report import Report, collect_stages, picture_rows, write_report

    images = len(source.items)
    seconds = {stage: total / images for stage, total in record.get("seconds", {}).items()}
    with reporter.stage("report", 3) as stage:
        problems: list[str] = []
        stages = collect_stages(source, out, seconds, problems)
        stage.advance(note="pictures")
        rows = picture_rows(source, stages, pictures)
        stage.advance(note="page")
        page = write_report(
            Report(
                title=f"Affinity Annotator on {source.root.name}",
                about=f"{images} images, split {source.split}, {len(source.classes)} classes.",
                classes=source.classes,
                stages=stages,
                rows=rows,
                settings=_settings(record) | library_versions(),
                warnings=[*record.get("warnings", ()), *problems],
            ),
            out,
            force,
        )
        stage.advance()
    return page, stages


def _figures(source: Source, page: Path, stages: Sequence[StageResult]) -> dict[str, Any]:
    """Return the page's figures, each stage under the name of its folder; scores are null without truth."""
    return {
        "page": str(page),
        "images": len(source.items),
        "stages": {
            stage.folder.name: {
                "scores": None if stage.scores is None else stage.scores.to_json(),
                "seconds_per_image": stage.seconds,
            }
            for stage in stages
        },
    }


def _settings(record: dict[str, Any]) -> dict[str, str]:
    """Name → value of all options of a run, recipes as ``recipe.name``; its list of images is left out."""
    told = {name: value for name, value in record.get("settings", {}).items() if name not in _UNTOLD}
    flat: dict[str, str] = {}
    for name, value in told.items():
        inner = value if isinstance(value, dict) else {"": value}
        prefix = "" if name == "settings" else name
        flat |= {".".join(filter(None, (prefix, key))): str(entry) for key, entry in inner.items()}
    return flat


def _read_record(path: Path) -> dict[str, Any]:
    """Read the record of a finished run; empty where there is none."""
    from trainer.data.files import read_json

    record = read_json(path, "the record of a run") if path.is_file() else {}
    return record if isinstance(record, dict) else {}
