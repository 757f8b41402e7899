"""Several windows that want the same project at once, some of which are killed.

One has it, the others are told so in a sentence, and no stroke of any is lost.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.torture.killing import Started, Tell, Work, problems_of_file
from tests.torture.scenario import SHAPE, write_photos
from trainer.data.project import Project, Target
from trainer.errors import DataError

ROUNDS, SHORT_ROUNDS = 20, 3
WINDOWS = 3
"""That want the project at the same time."""
STROKES = 15
"""Of the one that has it."""


def run(short: bool) -> dict:
    """Let windows compete for a project; return figures."""
    if not hasattr(os, "fork"):
        return {"skipped": "processes cannot be forked here", "problems": []}
    figures = {"rounds": 0, "strokes told to be saved": 0, "refused": 0, "killed": 0, "lost": 0}
    problems: list[str] = []
    rng = np.random.default_rng(0)
    told: set[int] = set()
    with tempfile.TemporaryDirectory() as folder:
        photos = write_photos(Path(folder) / "photos")
        Project.open_folder(photos).close()
        for number in range(SHORT_ROUNDS if short else ROUNDS):
            figures["rounds"] += 1
            first = STROKES * number
            started = [Started(_window(photos, first)) for _ in range(WINDOWS)]
            ends = [float(rng.uniform(0, 0.03)) if rng.random() < 0.5 else None for _ in started]
            outcomes = [window.end(delay) for window, delay in zip(started, ends, strict=True)]
            problems += [outcome.error.splitlines()[-1] for outcome in outcomes if outcome.error]
            figures["killed"] += sum(outcome.killed for outcome in outcomes)
            figures["refused"] += sum("refused" in outcome.told for outcome in outcomes)
            told |= {int(word) for outcome in outcomes for word in outcome.told if word.isdecimal()}
            with closing(Project.open(photos)) as project:  # whoever was killed keeps nobody out
                there = _strokes(project)
            figures["lost"] += len(told - there)
            problems += problems_of_file(project.file)
    figures["strokes told to be saved"] = len(told)
    if figures["lost"]:
        problems.append("strokes that were told to be saved are not there")
    if not short and not figures["refused"]:
        problems.append("no window was ever refused: they did not compete")
    return {**figures, "problems": problems[:20]}


def _window(photos: Path, first: int) -> Work:
    def work(tell: Tell) -> None:
        tell("begun")
        try:
            project = Project.open(photos)
        except DataError as error:
            if "is open in another window; close it there first" not in str(error):
                raise
            tell("refused")
            return
        for number in range(first, first + STROKES):
            _paint(project, number)
            tell(str(number))
        project.close()

    return work


def _paint(project: Project, number: int) -> None:
    """Paint a pixel that tells which stroke it is of."""
    y, x = divmod(number, SHAPE[1])
    blank, label = np.full((1, 1), 255, np.uint8), np.full((1, 1), 1, np.uint8)
    project.record_edit("a", Target.SEEDS, (y, x, y + 1, x + 1), blank, label, "brush")


def _strokes(project: Project) -> set[int]:
    return set(np.flatnonzero(project.layer("a", Target.SEEDS, SHAPE) != 255).tolist())
