"""The short forms of the torture: kills, a full disk, windows that compete for a project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_kills_full_disks_and_windows_lose_nothing(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.torture", "kills", "disk", "windows", "--short", "--out", figures]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    kills, disk, windows = json.loads(figures.read_text(encoding="utf-8")).values()
    for result in (kills, disk, windows):
        assert result["problems"] == []
    if "skipped" not in kills:
        assert kills["kills"] == 8 and kills["lost"] == windows["lost"] == 0
        assert windows["strokes told to be saved"]
    if "skipped" not in disk:
        assert disk["refused with a sentence"] and disk["read-only disk"] == "opened and exported"
