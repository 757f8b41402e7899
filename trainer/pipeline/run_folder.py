"""The stages of a run on disk, from which an interrupted run resumes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.atomic import write_atomically
from trainer.data.files import read_json
from trainer.data.ids import file_under
from trainer.data.images import load_mask, save_mask
from trainer.errors import DataError

_KEY = "key.json"


class RunFolder:
    """Arrays and label maps by stage and image, each complete or not there.

    The folder is bound to a key, everything the results depend on: another key empties it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def begun(self) -> bool:
        """Whether a run has already left something here."""
        return (self.root / _KEY).is_file()

    def bind(self, key: Mapping[str, Any]) -> None:
        """Empty the folder unless it holds results of this very key.

        Raises DataError where it cannot be written, or holds files but no key: those are not of a run.
        """
        text = json.dumps(key, sort_keys=True, default=str)
        path = self.root / _KEY
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        if not self.begun and self.root.exists() and (self.root.is_file() or any(self.root.iterdir())):
            raise DataError(f"{self.root} holds files of others; move it away, or choose another folder")
        with write_atomically(path) as temporary:
            for entry in list(self.root.iterdir()):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry != path:  # the old key tells a run's folder until the new one takes its place
                    entry.unlink()
            temporary.write_text(text, encoding="utf-8")

    def has(self, stage: str, image_id: str) -> bool:
        """Tell whether the stage of this image is done."""
        return any(self._file(stage, image_id, suffix).is_file() for suffix in (".npy", ".png"))

    def save_array(self, stage: str, image_id: str, array: np.ndarray) -> None:
        """Keep float maps in half precision."""
        with (
            write_atomically(self._file(stage, image_id, ".npy")) as temporary,
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
        save_mask(self._file(stage, image_id, ".png"), labels)

    def labels(self, stage: str, image_id: str) -> np.ndarray:
        """Return a uint8 label map."""
        return load_mask(self._file(stage, image_id, ".png"))

    def model(self, name: str) -> Path:
        """Path of a network of this run."""
        return self.root / f"{name}.safetensors"

    def checkpoint(self, name: str) -> Path:
        """Path of what the training of that network keeps on the way."""
        return self.root / f"{name}.checkpoint"

    def seconds(self) -> dict[str, float]:
        """Return what was spent on each stage so far."""
        return self._figures("seconds")

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Count what was spent on a stage, on top of what earlier runs spent on it."""
        self._keep_figure("seconds", stage, self.seconds().get(stage, 0.0) + seconds)

    def loader_wait_shares(self) -> dict[str, float]:
        """Return the share of its time that each training spent waiting for photos, in [0, 1]."""
        return self._figures("loader-wait-share")

    def keep_loader_wait_share(self, training: str, share: float) -> None:
        """Keep that share, when a training is over."""
        self._keep_figure("loader-wait-share", training, share)

    def _figures(self, kind: str) -> dict[str, float]:
        path = self.root / f"{kind}.json"
        figures = read_json(path, "the record of a run") if path.is_file() else {}
        if not isinstance(figures, dict) or not all(isinstance(it, int | float) for it in figures.values()):
            raise DataError(f"{path} is damaged; remove it")
        return figures

    def _keep_figure(self, kind: str, stage: str, figure: float) -> None:
        figures = self._figures(kind) | {stage: figure}
        with write_atomically(self.root / f"{kind}.json") as temporary:
            temporary.write_text(json.dumps(figures), encoding="utf-8")

    def _file(self, stage: str, image_id: str, suffix: str) -> Path:
        return file_under(self.root / stage, image_id, suffix)
