"""The outputs of a run: scores, VOC tree, label maps of the stages, overview picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.atomic import write_atomically
from trainer.data.export import write_data_set
from trainer.data.export_files import place
from trainer.data.files import json_text
from trainer.data.formats.base import ExportEntry
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.images import load_image
from trainer.distributed import ProcessGroup
from trainer.evaluation import Scores
from trainer.method.grid import resize_nearest
from trainer.pipeline.overview import OverviewRow, draw_overview, overview_row
from trainer.pipeline.stage_names import CAM
from trainer.pipeline.stage_scores import StageScores
from trainer.pipeline.stages import Stages
from trainer.progress import Stage

RUN_FILE = "run.json"
"""Record of a run beside its masks: scores, seconds of each stage, settings, warnings."""
OVERVIEW_FILE = "overview.png"
OVERVIEW_ROWS = 8
USELESS = 0.9
"""Share of the masks that show nothing, or everything, from which on that is told."""


def score_stages(
    stages: Stages,
    names: Sequence[str],
    last: str,
    split: str,
    kept: str | None,
    group: ProcessGroup,
    progress: Stage,
) -> dict[str, Scores]:
    """Score the label maps of the stages `names` where the data has true masks; those of `last` are final.

    They are left in the run's folder as ``<kept>/<name>/<id>.png``, where that is given.
    """
    collected = StageScores(stages.classes, split)
    rule = f"(1 − max CAM)^{stages.settings.alpha:g}"
    for index in group.share(range(len(stages.items))):
        item = stages.items[index]
        truth = stages.truth(index)
        if truth is not None:
            collected.add_cams(stages.cams(index), stages.ids(index), truth, stages.settings.alpha)
        for name in names:
            labels = stages.labels(name, index)
            if kept is not None:
                stages.folder.save_labels(f"{kept}/{name}", item.id, labels)
            if truth is not None and name != CAM:
                collected.add(name, labels, truth, rule)
            if truth is not None and name == last:
                collected.add("final", labels, truth, rule)
        progress.advance(note=item.id)
    return collected.results(group)


def place_stages(kept: Path, out: Path, force: bool) -> list[str]:
    """Move the label maps of `score_stages` to ``out/stages`` (see `place`); return warnings for the user."""
    replaced = place(kept, out / "stages", (), force, lambda: None)
    names = ", ".join(replaced)
    return [f"replaced in {out / 'stages'}, though not of a former run: {names}"] if replaced else []


def write_masks(stages: Stages, last: str, out: Path, force: bool, progress: Stage) -> list[str]:
    """Write the label maps of the stage `last` as a VOC tree; return warnings for the user."""

    empty, full, tagged = 0, 0, 0

    def entries() -> Iterator[ExportEntry]:
        nonlocal empty, full, tagged
        for index, item in enumerate(stages.items):
            labels = stages.labels(last, index)
            if item.tags:
                tagged += 1
                empty += not labels.any()
                full += bool(labels.all())
            yield ExportEntry(item.id, item.image_path, labels, item.tags)

    def advance(image_id: str) -> None:
        progress.advance(note=image_id)

    warnings = write_data_set(VocWriter, out, entries(), stages.classes, force, advance)
    for count, what in ((empty, "show no object"), (full, "cover the whole image")):
        if count and count >= USELESS * tagged:
            warnings.append(
                f"{count} of the {tagged} masks of tagged images {what}: look at {OVERVIEW_FILE}, and give "
                "more images, better weights (--weights) or another --coverage"
            )
    return warnings


def write_overview(stages: Stages, last: str, out: Path, title: str) -> None:
    """Draw image | CAM | seeds | mask | truth of some images, spread evenly over the data."""
    count = len(stages.items)
    shown = np.unique(np.linspace(0, count - 1, min(count, OVERVIEW_ROWS)).round().astype(int))
    picture = draw_overview([_row(stages, last, int(index)) for index in shown], stages.classes, title)
    with write_atomically(out / OVERVIEW_FILE) as temporary:
        picture.save(temporary, "PNG")


def write_record(out: Path, record: dict[str, Any]) -> None:
    """Write what is to be known of a run."""
    with write_atomically(out / RUN_FILE) as temporary:
        temporary.write_text(json_text(record), "utf-8", newline="\n")


def _row(stages: Stages, last: str, index: int) -> OverviewRow:
    item = stages.items[index]
    image = load_image(item.image_path)
    truth = stages.truth(index)
    caption = f"{item.id}: {', '.join(item.tags)}" if item.tags else item.id
    seeds = resize_nearest(stages.seeds(index), image.shape[:2])
    return overview_row(caption, image, stages.cams(index), seeds, stages.labels(last, index), truth)
