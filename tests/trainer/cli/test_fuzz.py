"""The short form of the fuzzer: made-up inputs end in an answer or in one sentence."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_damaged_and_odd_inputs_end_in_an_answer_or_one_sentence(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.torture", "fuzz", "--short", "--out", str(figures)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(figures.read_text(encoding="utf-8"))["fuzz"]
    assert results["problems"] == [] and results["right answers"] and results["sentences"]
