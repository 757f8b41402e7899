"""What the benchmarks share: results, fair timing against an opponent, photos, and the report.

A benchmark is a module ``bench_<subject>.py`` here with a function ``run() -> list[Result]``. It measures
this program and, in the same process and taking turns, whatever the program promises to hold against.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import skimage.data
import torch
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared"

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """One figure of a benchmark.

    ``value`` and ``reference``, the opponent's figure if there is one, are in ``unit``; ``value`` is None
    where nothing was measured, and ``note`` says why. ``kept`` tells whether ``promise`` holds, None that it
    was not to be judged.
    """

    name: str
    value: float | None
    unit: str
    reference: float | None = None
    opponent: str = ""
    promise: str = ""
    kept: bool | None = None
    note: str = ""


def skipped(name: str, why: str) -> Result:
    """Return the result of what cannot be measured on this machine."""
    return Result(name, None, "", note=f"skipped: {why}")


def optional(module: str) -> Any | None:
    """Import an opponent, or return None where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def race(*contestants: Callable[[], object], rounds: int = 5) -> list[float]:
    """Return the best time of each contestant in milliseconds.

    They take turns, so that a busy machine slows all of them alike; a first round is not counted.
    """
    best = [float("inf")] * len(contestants)
    for turn in range(rounds + 1):
        for number, contestant in enumerate(contestants):
            start = time.perf_counter()
            contestant()
            if turn:
                best[number] = min(best[number], (time.perf_counter() - start) * 1000)
    return best


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_new_process(function: Callable[[], T]) -> tuple[T, float]:
    """Return what ``function`` of a module returns in a new process, and that process' peak memory in MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run_and_measure, (function,))


def _run_and_measure(function: Callable[[], T]) -> tuple[T, float]:
    returned = function()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return returned, peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def photos(height: int = 375, width: int = 500) -> dict[str, np.ndarray]:
    """Return real photos of that size, cut from the middle of those that scikit-image brings along."""
    images = {
        "coffee": skimage.data.coffee(),
        "rocket": skimage.data.rocket(),
        "motorcycle": skimage.data.stereo_motorcycle()[0],
    }
    cuts = {}
    for name, image in images.items():
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        cuts[name] = np.ascontiguousarray(image[top : top + height, left : left + width])
    return cuts


def cam_like(masks: np.ndarray, seed: int = 0, alpha: float = 4) -> np.ndarray:
    """Turn masks (K, H, W) into what CAMs of their classes look like: (1 + K, H, W), background first.

    They are blurred until they have no outline, and get slow noise; background is ``(1 - max CAM)^alpha``.
    """
    noise = np.random.default_rng(seed).standard_normal(masks.shape)
    cams = gaussian_filter(masks.astype(np.float64), (0, 12, 12)) + 4 * gaussian_filter(noise, (0, 10, 10))
    cams = np.maximum(cams, 0)
    cams /= cams.max(axis=(1, 2), keepdims=True) + 1e-5
    background = (1 - cams.max(axis=0, keepdims=True)) ** alpha
    return np.concatenate([background, cams]).astype(np.float32)


def report(results: dict[str, list[Result]], out: Path, console: Console) -> Path:
    """Print the results as a table and write them to ``out/bench.json``, with the machine they belong to."""
    table = Table(title="Benchmarks: less is better, except for percentages and rates")
    for column in ("", "measured", "opponent", "ratio", "promise", "note"):
        table.add_column(column, justify="right" if column in ("measured", "opponent", "ratio") else "left")
    for subject, rows in results.items():
        table.add_section()
        table.add_row(f"[bold]{subject}")
        for row in rows:
            table.add_row(*_cells(row))
    console.print(table)
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    out.mkdir(parents=True, exist_ok=True)
    file = out / "bench.json"
    content = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": machine,
        "results": {subject: [asdict(row) for row in rows] for subject, rows in results.items()},
    }
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def _cells(row: Result) -> tuple[str, ...]:
    def figure(value: float | None) -> str:
        return (
            "" if value is None else f"{value:.4g} {row.unit}" if value < 1000 else f"{value:,.0f} {row.unit}"
        )

    ratio = row.value / row.reference if row.value is not None and row.reference else None
    verdict = {True: "[green]kept: ", False: "[red]broken: ", None: ""}[row.kept]
    opponent = f"{row.opponent} {figure(row.reference)}".strip()
    return (
        row.name,
        figure(row.value),
        opponent,
        "" if ratio is None else f"{ratio:.3g}×",
        verdict + row.promise,
        row.note,
    )
