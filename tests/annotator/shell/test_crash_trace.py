"""A crash leaves a trace, and the next start tells of it once."""

import subprocess
import sys
from pathlib import Path

from annotator.shell.crash_trace import traced
from annotator.shell.window import Window

CRASH = """
import faulthandler, sys
from pathlib import Path
from annotator.shell.crash_trace import traced

def painting():
    with traced(Path(sys.argv[1])):
        faulthandler._sigsegv()

painting()
"""


def start(program: str, folder: Path) -> tuple[int, str]:
    """Run a program on a log folder: its exit status and what it printed."""
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


TOLD = """
import sys
from pathlib import Path
from annotator.shell.crash_trace import traced

with traced(Path(sys.argv[1])) as crashes:
    print(*crashes)
"""


def test_a_crash_leaves_the_stack_and_the_next_start_tells_of_it_once(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    status, _ = start(CRASH, folder)
    assert status != 0
    status, told = start(TOLD, folder)
    trace = Path(told.strip())
    assert status == 0 and trace.parent == folder and "in painting" in trace.read_text(encoding="utf-8")
    assert start(TOLD, folder) == (0, "\n")
    assert list(folder.iterdir()) == [trace]  # who ends well leaves nothing


def test_the_desk_names_the_file_of_a_crash(window: Window, tmp_path: Path) -> None:
    window.tell_of_crashes([tmp_path / "crash-1.log"])
    (text,) = (text for text in window.messages.texts if "crash-1.log" in text)
    assert str(tmp_path) in text and "saved" in text


def test_where_nothing_can_be_written_the_desk_starts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the place of the folder")
    with traced(tmp_path / "logs") as crashes:
        assert crashes == []
