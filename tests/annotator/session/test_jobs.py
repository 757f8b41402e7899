"""Work off the GUI thread."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from annotator.session.jobs import Jobs
from annotator.session.state import SessionState

pytestmark = pytest.mark.usefixtures("qtbot")


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_rest_is_told_after_the_last_answer(jobs, qtbot):
    answers: list[int] = []
    with qtbot.waitSignal(jobs.rested):
        for number in range(3):
            jobs.submit(lambda number=number: number, answers.append)
    assert sorted(answers) == [0, 1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell the memory of a process")
def test_a_desk_at_rest_gives_freed_memory_back(qtbot):
    state = SessionState(lambda: None)
    try:
        kept = [torch.zeros(25_000) for _ in range(2_000)]  # of 0.1 MB: too small to go back one by one
        del kept[::2]
        full = resident_mb()
        with qtbot.waitSignal(state.jobs.rested):
            state.jobs.submit(lambda: None, lambda _: None)
        assert state.jobs.finish()
        assert resident_mb() < full - 50
    finally:
        state.jobs.close()
        state.writer.close()
