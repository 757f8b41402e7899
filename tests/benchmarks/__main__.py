"""Run the benchmarks: ``python -m tests.benchmarks [SUBJECT …] [--out FOLDER]``; subjects are crf, cam, …"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from pathlib import Path

from rich.console import Console

from tests.benchmarks.harness import HERE, Result, report


def main() -> int:
    """Run what is asked for; the exit status is 1 when a benchmark failed to run."""
    subjects = sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Measure the speed promises."
    )
    parser.add_argument("subject", nargs="*", help=f"of {', '.join(subjects)}; all without any")
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="folder for bench.json")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.subject) - set(subjects)):
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are {', '.join(subjects)})")

    console = Console(width=None if sys.stdout.isatty() else 140)
    results: dict[str, list[Result]] = {}
    failed = False
    for subject in chosen.subject or subjects:
        console.print(f"measuring {subject} …", style="dim")
        try:
            results[subject] = importlib.import_module(f"tests.benchmarks.bench_{subject}").run()
        except Exception as error:  # the others are still worth their time
            traceback.print_exc()
            failed = True
            results[subject] = [Result(subject, None, "", note=f"failed: {error}")]
    console.print(f"written to {report(results, chosen.out, console)}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
