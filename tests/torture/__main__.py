"""Run the endurance tests: ``python -m tests.torture [SUBJECT …] [--short] [--out FILE]``.

A subject is a module ``torture_<subject>`` beside this one; its ``run(short)`` returns a dictionary of
figures, of which ``problems`` is a list of sentences, empty where all went well. Each runs in a process of
its own, so that a crash is told like any other failure. The exit status is 1 when there is a problem.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main() -> int:
    """Run what is asked for, print the figures as JSON and write them to a file where one is named."""
    subjects = sorted(file.stem.removeprefix("torture_") for file in HERE.glob("torture_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Wear the program out.")
    parser.add_argument("subject", nargs="*", help=f"of {', '.join(subjects)}; all without any")
    parser.add_argument("--short", action="store_true", help="a few rounds of each, for the test suite")
    parser.add_argument("--out", type=Path, help="file for the figures, JSON")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.subject) - set(subjects)):
        parser.error(f"no such subject: {', '.join(unknown)} (there are {', '.join(subjects)})")
    if chosen.child:
        return run_here(chosen.subject[0], chosen.short, chosen.child)
    results = {subject: run_apart(subject, chosen.short) for subject in chosen.subject or subjects}
    shown = json.dumps(results, indent=2)
    print(shown)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(shown + "\n", encoding="utf-8")
    return int(any(result["problems"] for result in results.values()))


def run_here(subject: str, short: bool, out: Path) -> int:
    """Run a subject in this process and write its figures to `out`."""
    faulthandler.enable()
    out.write_text(json.dumps(importlib.import_module(f"tests.torture.torture_{subject}").run(short)))
    return 0


def run_apart(subject: str, short: bool) -> dict:
    """Run a subject in a process of its own; its figures, or what ended it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.torture", subject, "--child", str(out)]
        done = subprocess.run([*command, *(["--short"] if short else [])], cwd=ROOT, check=False)
        if done.returncode or not out.is_file():
            return {"problems": [f"the process ended with status {done.returncode}"]}
        return json.loads(out.read_text())


if __name__ == "__main__":
    sys.exit(main())
