"""Stalls of an event loop: how long they were, and what the program was doing in the worst one."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from types import FrameType

from PySide6.QtCore import Qt, QTimer

SAMPLE_SECONDS = 0.004
DEPTH = 3
"""So many of the innermost calls tell where a thread was."""


class Stalls:
    """A clock in the event loop that should tick each millisecond, and a thread that notes what runs.

    Where it could not note anything during a stall, some thread kept the interpreter to itself.
    """

    def __init__(self) -> None:
        self._ticks: list[float] = []
        self._samples: list[tuple[float, dict[str, str]]] = []
        self._over = threading.Event()
        self._clock = QTimer(interval=1)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.timeout.connect(lambda: self._ticks.append(time.perf_counter()))
        self._sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin to measure; in the thread of the event loop."""
        self._clock.start()
        self._sampler.start()

    def stop(self) -> None:
        """End measuring."""
        self._clock.stop()
        self._over.set()
        self._sampler.join()

    @property
    def gaps(self) -> list[float]:
        """Milliseconds between ticks."""
        return [1000 * (after - before) for before, after in self._pairs()]

    def tell_worst(self) -> str:
        """What ran in the longest gap, the event loop's thread first."""
        start, end = max(self._pairs(), key=lambda pair: pair[1] - pair[0])
        inside = [threads for at, threads in self._samples if start < at < end]
        after = next((threads for at, threads in self._samples if at >= end), {})
        lines = [f"{1000 * (end - start):.0f} ms, seen {len(inside)} times"]
        for name in sorted({name for threads in inside or [after] for name in threads}):
            places = Counter(threads[name] for threads in inside or [after] if name in threads)
            lines += [f"  {name}: {count}× {place}" for place, count in places.most_common(3)]
        return "\n".join(lines)

    def _pairs(self) -> list[tuple[float, float]]:
        return list(zip(self._ticks, self._ticks[1:], strict=False))

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            names = {thread.ident: thread.name for thread in threading.enumerate()}
            frames = sys._current_frames()
            self._samples.append(
                (
                    time.perf_counter(),
                    {
                        names.get(ident, "pool"): _place(frame)
                        for ident, frame in frames.items()
                        if ident != threading.get_ident()
                    },
                )
            )


def _place(frame: FrameType) -> str:
    calls = traceback.StackSummary.extract(
        (each for each in traceback.walk_stack(frame) if "importlib" not in each[0].f_code.co_filename),
        limit=DEPTH,
        lookup_lines=False,
    )
    return " < ".join(f"{Path(call.filename).name}:{call.lineno} {call.name}" for call in calls)
