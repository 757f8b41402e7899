"""One entry: the desk without a command, headless commands with one."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from trainer.errors import UserError

_SYSTEM_IS_OUT = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
"""What the system may lack, which says nothing against the program: space, files, memory."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status.

    0 is success, 1 a fault of the program (written to a log file), 2 bad input, 130 an interrupt. Whatever
    goes wrong is told in one line on standard error.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    _print_everything()
    try:
        status = _run(args)
        print(end="", flush=True)
        return status
    except KeyboardInterrupt:
        return 130
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        return 141
    except OSError as error:
        if error.filename is None and error.errno not in _SYSTEM_IS_OUT:
            return _report_fault()
        place = "" if error.filename is None else f"{error.filename}: "
        print(f"error: {place}{error.strerror}", file=sys.stderr)
        return 2
    except Exception as error:
        if not _memory_ran_out(error):
            return _report_fault()
        print(
            "error: there is not enough memory for this; close other programs, or give less at a time "
            "(smaller photos, --batch)",
            file=sys.stderr,
        )
        return 2


def _print_everything() -> None:
    """Have letters escaped that the encoding of the output lacks, as that of files on Windows does."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and not out.encoding.lower().startswith("utf"):
        out.reconfigure(errors="backslashreplace")


def _memory_ran_out(error: Exception) -> bool:
    """Tell Python's and torch's ways to say so, on a CPU and on a GPU."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "allocate memory" in str(error))
    )


def _check_given(args: list[str]) -> None:
    """Raise UserError for an empty argument: as a path it would be the folder one happens to be in."""
    for place, arg in enumerate(args):
        if arg == "" or (arg.startswith("--") and arg.endswith("=")):
            after = arg or (f"the argument after {args[place - 1]}" if place else "the first argument")
            raise UserError(f"{after} is empty; give a name, or leave it out")


def _run(args: list[str]) -> int:
    _check_given(args)
    if not args:
        return _open_desk(None)
    # Only here, so that the desk does not wait for the command line's libraries.
    from trainer.cli.app import is_command, run_command, similar_command

    if is_command(args[0]):
        return run_command(args)
    path = Path(args[0])
    if not path.exists():
        meant = similar_command(args[0])
        hint = (
            f"did you mean the command {meant}?"
            if meant
            else "give a folder, a project or a command (see --help)"
        )
        raise UserError(f"{path} does not exist; {hint}")
    return _open_desk(path)


def _open_desk(path: Path | None) -> int:
    """Start the desk."""
    from annotator.display import check_display

    check_display()
    # What a start makes is there to stay: looking for garbage among it takes a tenth of the time. The window
    # looks for it later, in its own thread (`annotator.garbage`).
    gc.disable()
    from annotator.app import run  # headless commands never import Qt

    return run(path)


def _report_fault() -> int:
    """Save the traceback at hand and say where."""
    from platformdirs import user_log_path

    folder = user_log_path("affinity-annotator", ensure_exists=True)
    log = folder / f"fault-{datetime.now():%Y%m%d-%H%M%S}.log"
    log.write_text(f"{' '.join(sys.argv)}\n{traceback.format_exc()}", "utf-8")
    reason = "".join(traceback.format_exception_only(sys.exception())).strip().splitlines()[-1]
    print(f"error: this is a fault of the program ({reason}); please report it with {log}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
