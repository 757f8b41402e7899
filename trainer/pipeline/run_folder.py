"""The stages of a run on disk, from which an interrupted run resumes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.atomic import remove_leftovers, write_atomically
from trainer.data.digest import file_digest
from trainer.data.files import read_json
from trainer.data.ids import file_under
from trainer.data.images import load_mask, palette_image
from trainer.errors import DataError

_KEY = "key.json"
_LIST = "files.sha256"
"""The files that runs have put into the folder, as ``sha256sum --check`` reads them."""
_ANY = "-" * 64
"""Stands for the digest of a file whose content changes."""
_SECONDS, _WAITED = "seconds", "loader-wait-share"


class RunFolder:
    """Arrays and label maps by stage and image, each complete or not there.

    The folder is bound to a key, everything the results depend on: another key empties it. Every file is
    listed with its digest before it is there; only listed files that are still what they were are removed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def begun(self) -> bool:
        """Whether a run has already left something here."""
        return _KEY in self._listed()

    def bind(self, key: Mapping[str, Any]) -> None:
        """Empty the folder unless it holds results of this very key.

        Raises DataError where it cannot be written, or holds a file that no run has put there: then nothing
        is removed.
        """
        text = json.dumps(key, sort_keys=True, default=str)
        path = self.root / _KEY
        if self.root.is_file():
            raise DataError(f"{self.root} is a file; move it away, or choose another folder")
        remove_leftovers(self.root)
        is_known = self.begun and path.is_file()
        if is_known and path.read_text(encoding="utf-8", errors="replace") == text:
            return
        self._empty()
        with self.writing(path) as temporary:
            temporary.write_text(text, "utf-8", newline="\n")
        for kind in (_SECONDS, _WAITED):
            self._list(self.root / f"{kind}.json", _ANY)

    def _empty(self) -> None:
        """Remove what runs have left; the list goes last, for it tells that this is a folder of a run."""
        listed = self._listed()
        files = [path for path in self.root.rglob("*") if path.is_symlink() or not path.is_dir()]
        for path in files:
            if path != self.root / _LIST and not self._is_ours(path, listed):
                raise DataError(
                    f"{self.root} holds files of others ({path.relative_to(self.root)}); "
                    "move them away, or choose another folder"
                )
        for path in sorted(files, key=lambda path: path == self.root / _LIST):
            path.unlink()
        for folder in sorted((path for path in self.root.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()

    def _listed(self) -> dict[str, set[str]]:
        """The digests that each file, by its path in the folder, was listed with."""
        path, listed = self.root / _LIST, defaultdict[str, set[str]](set)
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
            digest, _, name = line.partition("  ")
            listed[name].add(digest)
        return listed

    def _is_ours(self, path: Path, listed: Mapping[str, set[str]]) -> bool:
        digests = listed.get(path.relative_to(self.root).as_posix(), set())
        if path.is_symlink() or not digests:
            return False
        return _ANY in digests or file_digest(path) in digests

    def _list(self, path: Path, digest: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / _LIST).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(f"{digest}  {path.relative_to(self.root).as_posix()}\n")

    @contextmanager
    def writing(self, path: Path) -> Iterator[Path]:
        """Give a temporary path for a file of the folder (see `write_atomically`), which is listed."""
        with write_atomically(path) as temporary:
            yield temporary
            self._list(path, file_digest(temporary))

    def has(self, stage: str, image_id: str) -> bool:
        """Tell whether the stage of this image is done."""
        return any(self._file(stage, image_id, suffix).is_file() for suffix in (".npy", ".png"))

    def save_array(self, stage: str, image_id: str, array: np.ndarray) -> None:
        """Keep float maps in half precision."""
        with (
            self.writing(self._file(stage, image_id, ".npy")) as temporary,
            temporary.open("wb") as stream,
        ):
            np.save(stream, array.astype(np.float16))

    def array(self, stage: str, image_id: str) -> np.ndarray:
        """Return float maps as float32."""
        path = self._file(stage, image_id, ".npy")
        try:
            return np.load(path, allow_pickle=False).astype(np.float32)
        except (OSError, EOFError, ValueError) as error:
            raise DataError(f"{path} is damaged; remove {self.root} and run again") from error

    def save_labels(self, stage: str, image_id: str, labels: np.ndarray) -> None:
        """Keep a uint8 label map."""
        with self.writing(self._file(stage, image_id, ".png")) as temporary:
            palette_image(labels).save(temporary, "PNG")

    def labels(self, stage: str, image_id: str) -> np.ndarray:
        """Return a uint8 label map."""
        return load_mask(self._file(stage, image_id, ".png"))

    def model(self, name: str) -> Path:
        """Path of a network of this run; `list_model` lists it when it is there."""
        return self.root / f"{name}.safetensors"

    def list_model(self, name: str) -> None:
        """Take a network that was saved for a file of this run."""
        self._list(self.model(name), file_digest(self.model(name)))

    def checkpoint(self, name: str) -> Path:
        """Path of what the training of that network keeps on the way; it changes, and is listed by name."""
        path = self.root / f"{name}.checkpoint"
        if not path.exists():
            self._list(path, _ANY)
        return path

    def seconds(self) -> dict[str, float]:
        """Return what was spent on each stage so far."""
        return self._figures(_SECONDS)

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Count what was spent on a stage, on top of what earlier runs spent on it."""
        self._keep_figure(_SECONDS, stage, self.seconds().get(stage, 0.0) + seconds)

    def loader_wait_shares(self) -> dict[str, float]:
        """Return the share of its time that each training spent waiting for photos, in [0, 1]."""
        return self._figures(_WAITED)

    def keep_loader_wait_share(self, training: str, share: float) -> None:
        """Keep that share, when a training is over."""
        self._keep_figure(_WAITED, training, share)

    def _figures(self, kind: str) -> dict[str, float]:
        path = self.root / f"{kind}.json"
        figures = read_json(path, "the record of a run") if path.is_file() else {}
        if not isinstance(figures, dict) or not all(isinstance(it, int | float) for it in figures.values()):
            raise DataError(f"{path} is damaged; remove it")
        return figures

    def _keep_figure(self, kind: str, stage: str, figure: float) -> None:
        figures = self._figures(kind) | {stage: figure}
        with write_atomically(self.root / f"{kind}.json") as temporary:
            temporary.write_text(json.dumps(figures), "utf-8", newline="\n")

    def _file(self, stage: str, image_id: str, suffix: str) -> Path:
        return file_under(self.root / stage, image_id, suffix)
