"""Tests of imports that stay out of garbage collection."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import gc
from trainer.imports import import_for_good
collections = []
gc.callbacks.append(lambda phase, info: collections.append(info["generation"]))
before = gc.get_freeze_count()
import_for_good("torch")
assert collections == [], "the collector ran during the import"
assert gc.get_freeze_count() > before + 50_000, "what torch consists of is gone through at each collection"
assert gc.isenabled()
frozen = gc.get_freeze_count()
kept = [[] for _ in range(100)]
import_for_good("torch")
assert gc.get_freeze_count() == frozen, "a second call keeps what is no module"
try:
    import_for_good("no_such_module")
except ModuleNotFoundError:
    pass
assert gc.isenabled()
"""


def test_a_large_import_neither_runs_the_collector_nor_burdens_later_runs() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
