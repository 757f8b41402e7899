"""The report of the benchmarks: what a reader of the table and of the file learns."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from tests.benchmarks.harness import Result, optional, race, report, skipped


def test_report_tells_kept_broken_and_skipped(tmp_path: Path) -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    rows = [
        Result("fast", 10, "ms", 40, "opponent", promise="≤ 0.5×", kept=True),
        Result("slow", 50, "ms", 40, "opponent", promise="≤ 1×", kept=False),
        skipped("unknown", "opponent is not installed"),
    ]
    file = report({"walk": rows}, tmp_path / "new", console)
    text = console.export_text()
    for part in ("kept: ≤ 0.5×", "broken: ≤ 1×", "0.25×", "1.25×", "skipped: opponent is not installed"):
        assert part in text
    content = json.loads(file.read_text(encoding="utf-8"))
    assert [row["kept"] for row in content["results"]["walk"]] == [True, False, None]
    assert content["machine"]["torch"]


def test_contestants_take_turns() -> None:
    order: list[str] = []
    times = race(lambda: order.append("ours"), lambda: order.append("theirs"), rounds=2)
    assert order == ["ours", "theirs"] * 3
    assert len(times) == 2


def test_missing_opponent_is_none() -> None:
    assert optional("no_such_opponent") is None
    assert optional("json") is json
