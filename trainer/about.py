"""Versions of the program and of what its figures depend on."""

from __future__ import annotations

import platform

PROGRAM = "affinity-annotator"


def program_version() -> str:
    """Return the program's version, or "uninstalled" where it runs from a bare source tree."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and rarely asked for

    try:
        return version(PROGRAM)
    except PackageNotFoundError:
        return "uninstalled"


def library_versions() -> dict[str, str]:
    """Return name → version of program, Python and the libraries that compute."""
    from importlib.metadata import version

    libraries = {name: version(name) for name in ("torch", "numpy", "scipy", "scikit-image", "pillow")}
    return {PROGRAM: program_version(), "python": platform.python_version(), **libraries}
