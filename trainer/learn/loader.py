"""Loading the photos of a training: decoded and augmented by worker processes while the network learns.

Each image has a random generator of its own, so a training gives the same weights whatever the number of
workers.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trainer.errors import DataError, UserError
from trainer.learn.augment import Augmentation, WholePhoto
from trainer.translatable import translatable

MOST_WORKERS = 4
"""As many workers keep one GPU busy; each holds two batches in shared memory."""
PLENTY_OF_CORES = 8
"""Cores from which a training on the CPU can spare some for workers."""
SHARED_MEMORY = 1 << 30
"""Bytes of shared memory that workers need; containers often have 64 MiB, and go without workers."""


@dataclass(frozen=True)
class Draw:
    """One image of a batch: its index, and the generator of its random view and of its dropout."""

    index: int
    rng: np.random.Generator


class Sample(NamedTuple):
    """One image of a batch, loaded.

    Attributes:
        draw: which image it is; its generator has drawn the view, and draws the dropout next.
        pixels: float32 3×h×w in 0…255.
        labels: uint8 h×w, 255 neutral.
    """

    draw: Draw
    pixels: Tensor
    labels: Tensor


class Samples(Dataset[Sample]):
    """Random views of photos and their label maps, as a `Draw` asks for them."""

    def __init__(
        self,
        photos: Sequence[np.ndarray],
        views: Augmentation | WholePhoto,
        labels: Sequence[np.ndarray] | None = None,
    ) -> None:
        """`photos` are uint8 H×W×3, `labels` uint8 H×W of each; without any all is neutral."""
        self._photos, self._views, self._labels = photos, views, labels

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, draw: Draw) -> Sample:
        """Return a view of one image. Raises DataError where its file cannot be read."""
        known = None if self._labels is None else self._labels[draw.index]
        with _one_thread():
            pixels, labels = self._views(self._photos[draw.index], draw.rng, known)
        return Sample(draw, pixels, labels.byte())


class Loader(Iterator[list[Sample]]):
    """Loads batch after batch, ahead of their use where there are workers; these end with the ``with`` block.

    Attributes:
        waited: seconds spent so far waiting for photos; with no workers all of the loading.
    """

    def __init__(self, samples: Dataset[Sample], batches: Iterable[Sequence[Draw]], workers: int) -> None:
        """Load the images of each of `batches`, in order, with so many worker processes."""
        self.waited = 0.0
        batch_loader = DataLoader(
            _Answers(samples),
            batch_sampler=batches,  # type: ignore[arg-type]  # its indices are draws
            num_workers=workers,
            collate_fn=list,
            # Linux: workers share the photos in memory, where other ways of starting them would copy them.
            multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
            # Else it would draw from the generator that everybody draws from.
            generator=torch.Generator(),
        )
        self._batches: Iterator[list[Sample | DataError]] = iter(batch_loader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The workers end with torch's iterator, which an error's traceback could keep alive for long.
        self._batches = iter(())

    def __next__(self) -> list[Sample]:
        """Return the next batch.

        Raises DataError where a photo cannot be read, and UserError where a worker was ended.
        """
        start = time.monotonic()
        try:
            batch = next(self._batches)
        except RuntimeError as error:
            if "exited unexpectedly" in str(error) or "is killed by signal" in str(error):
                raise UserError(
                    translatable(
                        "the system ended a process that loads photos, usually because memory ran out; "
                        "close other programs and start again, on the command line with --workers 0"
                    )
                ) from error
            raise
        finally:
            self.waited += time.monotonic() - start
        samples = []
        for answer in batch:
            if isinstance(answer, DataError):
                raise answer
            samples.append(answer)
        return samples


class _Answers(Dataset["Sample | DataError"]):
    """Samples, or errors as values: torch would bury the text of one raised in a worker in a traceback."""

    def __init__(self, samples: Dataset[Sample]) -> None:
        self._samples = samples

    def __getitem__(self, draw: Draw) -> Sample | DataError:
        try:
            return self._samples[draw]
        except DataError as error:
            return error


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute as workers do: more threads would add numbers in another order, and so change the last bits."""
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def default_workers(device: torch.device) -> int:
    """Return how many workers suit a training on `device`.

    A GPU must not wait for photos. A CPU has its cores busy with the network, unless there are many.
    """
    if sys.platform == "linux" and _free_shared_memory() < SHARED_MEMORY:
        return 0
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    cores //= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if device.type == "cpu":
        return 2 if cores >= PLENTY_OF_CORES else 0
    return min(MOST_WORKERS, max(1, cores - 1))


def _free_shared_memory() -> int:
    """Return the bytes free where Linux keeps shared memory; 0 where there is no such place."""
    try:
        return shutil.disk_usage("/dev/shm").free
    except OSError:
        return 0
