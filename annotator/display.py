"""What the desk needs of the system to be shown; only Linux may lack it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

from trainer.errors import UserError


def check_display() -> None:
    """Raise `UserError` where nothing can be shown: Qt would end the process without a word to go by."""
    if sys.platform != "linux":  # elsewhere there is always a display, and Qt brings its libraries along
        return
    displays = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if not any(os.environ.get(name) for name in displays):
        raise UserError("there is no display for the desk; headless commands work without one (see --help)")
    if library := _missing_library():
        raise UserError(
            f"the desk needs the system library {library}, which is missing; install it, on Debian and "
            f"Ubuntu by `sudo apt-get install {_package_of(library)}`"
        )


def _missing_library() -> str:
    """The first system library that Qt's part for the display in use lacks, "" for none."""
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    platform = platform or ("wayland" if os.environ.get("WAYLAND_DISPLAY") else "xcb")
    spec = importlib.util.find_spec("PySide6")
    for folder in spec.submodule_search_locations or () if spec else ():
        plugin = Path(folder, "Qt", "plugins", "platforms", f"libq{platform}.so")
        if plugin.is_file():
            try:
                ctypes.CDLL(str(plugin))
            except OSError as error:
                name = str(error).partition(":")[0]
                return name if ".so" in name else ""
    return ""


def _package_of(library: str) -> str:
    """The Debian package of a shared library: libxcb-cursor.so.0 is in libxcb-cursor0."""
    stem, _, version = library.lower().replace("_", "-").partition(".so.")
    return f"{stem}-{version}" if stem[-1:].isdigit() else f"{stem}{version}"
