"""Backups: a project as one file that can be carried elsewhere, checked after it was written."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trainer.data.atomic import sync_file, unwritable, write_atomically
from trainer.data.digest import file_digest
from trainer.data.ids import path_below
from trainer.data.images import IMAGE_SUFFIXES
from trainer.data.location import PROJECT_FILE
from trainer.data.project import Project
from trainer.data.source import PROJECT_FOLDER
from trainer.data.zip_files import ZipFolder
from trainer.errors import DataError

MANIFEST = "backup.json"
"""What a backup holds: its format, the name of the folder of photos, and the SHA-256 of every file."""

_FORMAT = 1
_MODELS, _PHOTOS = "models/", "photos/"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Restored:
    """Where a project was restored to, and how many photos came with it."""

    folder: Path
    photos: int


def back_up(project: Project, file: Path, photos: bool, progress: Progress = lambda name: None) -> int:
    """Write a project with its models, and with its `photos` if wanted, into one archive; return the files.

    Caches are left out, they are made again; `progress` gets each photo. The archive is read again and
    compared before it takes its place. Raises `DataError` where it cannot be written, or a photo not be read.
    """
    with write_atomically(file) as temporary, tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / PROJECT_FILE
        project.copy_to(database)
        sources = {PROJECT_FILE: database}
        for path in sorted(project.models_dir.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                sources[f"{_MODELS}{path.relative_to(project.models_dir).as_posix()}"] = path
        for record in project.images() if photos else ():
            if record.path.is_file():
                sources[f"{_PHOTOS}{record.path.relative_to(project.root).as_posix()}"] = record.path
        digests = {name: file_digest(path) for name, path in sources.items()}
        manifest = {"format": _FORMAT, "name": project.root.name, "files": digests}
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
            for name, path in sources.items():
                # Photos and weights are packed as they are.
                archive.write(path, name, zipfile.ZIP_DEFLATED if path is database else zipfile.ZIP_STORED)
                if name.startswith(_PHOTOS):
                    progress(name)
        _check(temporary, digests, file)
    return len(sources)


def _check(archive: Path, digests: dict[str, str], file: Path) -> None:
    """Read what was written; a photo that changed meanwhile is told as well."""
    written = ZipFolder(archive)
    for name, digest in digests.items():
        if written.copy(name, None) != digest:
            raise DataError(f"{name} changed while {file} was written; make the backup again")


def restore(file: Path, folder: Path | None = None) -> Restored:
    """Restore a backup into the folder of its photos: `folder`, else one of their former name beside `file`.

    Photos in the archive are put there; files that are there already stay as they are. Raises `DataError`
    where `file` is no backup or is damaged, the folder has a project already, or another file is in the place
    of a photo: nothing is written then.
    """
    archive = ZipFolder(file)
    name, digests = _manifest(archive)
    root = folder or file.parent / name
    target = root / PROJECT_FOLDER
    if target.exists():
        raise DataError(f"{root} has a project already; restore the backup into another folder")
    photos = {
        entry: path_below(root, entry.removeprefix(_PHOTOS)) for entry in digests if entry.startswith(_PHOTOS)
    }
    for entry, path in photos.items():
        if path.exists() and not (path.is_file() and file_digest(path) == digests[entry]):
            raise DataError(f"{path} is another file than the photo in {file}; restore into another folder")
    partial = root / f".{PROJECT_FOLDER}.{secrets.token_hex(4)}.partial"
    try:
        partial.mkdir(parents=True)
        try:
            for entry in sorted(digests.keys() - photos.keys()):
                _extract(archive, entry, path_below(partial, entry), digests[entry])
            Project.open(partial / PROJECT_FILE, reading=True).close()  # raises where it is damaged
            for entry, path in photos.items():
                if not path.exists():
                    with write_atomically(path) as temporary:
                        _extract(archive, entry, temporary, digests[entry])
            partial.replace(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DataError(unwritable(root, error)) from error
    return Restored(root, len(photos))


def _manifest(archive: ZipFolder) -> tuple[str, dict[str, str]]:
    """Name of the folder and digests by entry; raises `DataError` where the archive is no backup."""
    try:
        record = json.loads(archive.read(MANIFEST)) if MANIFEST in archive.names else {}
        if record["format"] > _FORMAT:
            raise DataError(f"{archive.path} was written by a newer version of this program; update it")
        name = str(record["name"])
        digests = {str(entry): str(digest) for entry, digest in record["files"].items()}
        if PROJECT_FILE not in digests or not digests.keys() <= set(archive.names):
            raise ValueError
        if not all(map(_is_ours, digests)):
            raise ValueError
        if not name or Path(name).name != name or name.startswith("."):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{archive.path} is no backup of a project, or is damaged; give another file"
        ) from error
    return name, digests


def _is_ours(entry: str) -> bool:
    """Whether a backup holds such a file: nothing but photos is put beside a person's own files."""
    if not entry.startswith(_PHOTOS):
        return entry == PROJECT_FILE or entry.startswith(_MODELS)
    path = PurePosixPath(entry.removeprefix(_PHOTOS))
    hidden = any(part.startswith(".") or part == PROJECT_FOLDER for part in path.parts)
    return path.suffix.lower() in IMAGE_SUFFIXES and not hidden


def _extract(archive: ZipFolder, entry: str, target: Path, digest: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if archive.copy(entry, target) != digest:
        raise DataError(f"{entry} in {archive.path} is damaged; give another backup")
    sync_file(target)
