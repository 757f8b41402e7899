"""Kills in the middle of all that is written.

Nothing that was told to be saved is lost, and what is there is the old state or the new one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.torture.killing import PATIENCE, Outcome, run_apart
from tests.torture.kills_of_files import BackupAndRestore, Export, Pipeline, Promotion, Training
from tests.torture.kills_of_strokes import Import, Migration, Strokes
from tests.torture.scenario import Scenario

SCENARIOS = (Strokes, Export, Import, Migration, Promotion, BackupAndRestore, Training, Pipeline)
SHORT_KILLS = 1  # of each kind
TRIES = 4  # for each kill: work that was over before it does not count


def run(short: bool) -> dict:
    """Kill each kind of work again and again; return figures."""
    if not hasattr(os, "fork"):
        return {"skipped": "processes cannot be forked here", "problems": []}
    import torch

    torch.set_num_threads(1)  # a process with a pool of threads cannot be forked
    figures: dict = {"kills": 0, "told to be saved": 0, "lost": 0, "problems": []}
    with tempfile.TemporaryDirectory() as folder:
        for scenario in SCENARIOS:
            begun = time.monotonic()
            place = Path(folder) / scenario.name
            place.mkdir()
            kills = SHORT_KILLS if short else scenario.kills
            result = wear(scenario(place), kills)
            figures[scenario.name] = {**result, "seconds": round(time.monotonic() - begun, 1)}
            print(f"{scenario.name}: {figures[scenario.name]}", file=sys.stderr, flush=True)
            for name in ("kills", "told to be saved", "lost"):
                figures[name] += result[name]
            figures["problems"] += [f"{scenario.name}: {problem}" for problem in result["problems"]]
    return figures


def wear(scenario: Scenario, kills: int) -> dict:
    """Kill one kind of work so many times, each time at another moment, and look at what is left."""
    rng = np.random.default_rng(0)
    span = scenario.span or measured(scenario)
    done, tries, told, lost = 0, 0, 0, 0
    problems: list[str] = []
    while done < kills and tries < TRIES * kills and len(problems) < 5:
        tries += 1
        scenario.begin()
        # Spread evenly over the whole of the work, and never twice at the same moment.
        outcome = run_apart(scenario.work, span * (done + rng.random()) / kills)
        problems += failed(outcome)
        done += outcome.killed
        if not outcome.killed:  # it was measured when the machine was busier
            span = min(span, outcome.seconds)
        told += len(outcome.told) - 1
        report = scenario.check(outcome.told[1:])
        lost += report.lost
        problems += report.problems
    if done < kills:
        problems.append(f"only {done} of {kills} kills came before the work was over")
    return {"kills": done, "told to be saved": told, "lost": lost, "problems": problems[:5]}


def measured(scenario: Scenario) -> float:
    """Return how long the work takes that is not killed."""
    scenario.begin()
    outcome = run_apart(scenario.work)
    if problems := failed(outcome):
        raise AssertionError("; ".join(problems))
    scenario.check(outcome.told[1:])
    return min(outcome.seconds, PATIENCE)


def failed(outcome: Outcome) -> list[str]:
    """Return why work ended that nobody had killed."""
    return [f"it failed by itself: {outcome.error.splitlines()[-1]}"] if outcome.error else []
