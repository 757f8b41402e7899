"""The short form of the desk's endurance test."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_desk_outlasts_strokes_dialogs_and_image_changes(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.torture", "desk", "--short", "--out", str(figures)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(figures.read_text(encoding="utf-8"))["desk"]
    assert results["problems"] == [] and results["images"]["rounds"] == 40
