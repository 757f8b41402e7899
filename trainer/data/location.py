"""Where the project of a folder of images lies."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_data_path

from trainer.data.source import PROJECT_FOLDER

PROJECT_FILE = "project.sqlite"


def project_file(folder: Path) -> Path:
    """Return the project file of a folder: inside it, else in the user's data folder.

    The latter is for folders that cannot be written to; its name tells one such folder from another.
    """
    folder = folder.resolve()
    if _can_hold_files(folder / PROJECT_FOLDER):
        return folder / PROJECT_FOLDER / PROJECT_FILE
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    projects = user_data_path("affinity-annotator", appauthor=False) / "projects"
    return projects / f"{folder.name}-{digest}" / PROJECT_FILE


def _can_hold_files(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
