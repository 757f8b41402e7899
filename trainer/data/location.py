"""Where the project of a folder of images lies, and what lies in a folder however it is written."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_data_path

from trainer.data.database import backup_of
from trainer.data.source import PROJECT_FOLDER

PROJECT_FILE = "project.sqlite"


def project_file(folder: Path) -> Path:
    """Return the project file of a folder: inside it, else in the user's data folder.

    The latter is for folders that cannot be written to; its name tells one such folder from another.
    """
    folder = folder.resolve()
    if _is_writable(folder / PROJECT_FOLDER):
        return folder / PROJECT_FOLDER / PROJECT_FILE
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return user_projects() / f"{folder.name}-{digest}" / PROJECT_FILE


def user_projects() -> Path:
    """Return the folder of projects whose photos lie where nothing can be written."""
    return user_data_path("affinity-annotator", appauthor=False) / "projects"


def existing_project(path: Path) -> Path | None:
    """Return the project file that a path means: itself, one in the folder, or that of a folder of images.

    A lost file whose backup still exists counts, so that no new project replaces it. Where the folder cannot
    be written, the project in it counts after one in the user's data.
    """
    inside = path / PROJECT_FOLDER / PROJECT_FILE
    candidates = (path / PROJECT_FILE, project_file(path), inside) if path.is_dir() else (path,)
    return next((file for file in candidates if file.exists() or backup_of(file).exists()), None)


def means(path: Path, file: Path) -> bool:
    """Tell whether a path means (see `existing_project`) this project file."""
    found = existing_project(path)
    if found is not None and found.exists() and file.exists():
        return found.samefile(file)  # a folder may have several names, in small letters for one
    return found is not None and found.resolve() == file.resolve()


def lies_in(path: Path, folder: Path) -> bool:
    """Tell whether a path is a folder or lies below it; neither has to exist."""
    path, folder = path.resolve(), folder.resolve()
    if path.is_relative_to(folder):
        return True
    # A folder may have several names: see `means`.
    return folder.exists() and any(each.exists() and each.samefile(folder) for each in (path, *path.parents))


def _is_writable(folder: Path) -> bool:
    """Tell whether files can be written to a folder, which need not exist yet."""
    if folder.exists():
        return folder.is_dir() and os.access(folder, os.W_OK)
    return os.access(folder.parent, os.W_OK)
