"""Feature cache: what a frozen network makes of an image is computed once and kept while there is room."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import TypeVar

import numpy as np
import torch
from cachetools import LRUCache
from torch import nn

Value = TypeVar("Value")


def content_hash(image: np.ndarray) -> str:
    """Return a digest of an array's shape, type and pixels: equal images share their features."""
    digest = hashlib.blake2b(f"{image.shape}{image.dtype}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def weights_version(module: nn.Module) -> str:
    """Return a digest of a module's parameters and buffers: equal weights give equal features."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


class FeatureCache:
    """Least-recently-used cache of tensors and arrays, bounded in bytes and safe to share between threads.

    Keys should name the image (`content_hash`), the network (`weights_version`) and whatever else the value
    depends on; entries are never invalidated, only evicted.
    """

    def __init__(self, max_bytes: int = 512 * 2**20) -> None:
        """Keep at most `max_bytes`; a single larger value is handed out but not kept."""
        self.max_bytes = max_bytes
        self._entries: LRUCache[Hashable, object] = LRUCache(max_bytes, _bytes_of)
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the value of `key`, from `compute` when it is not at hand.

        `compute` runs outside the lock; two threads that miss at once both compute, and the values are equal.
        """
        with self._lock:
            if key in self._entries:
                return self._entries[key]  # type: ignore[return-value]
        value = compute()
        with self._lock, suppress(ValueError):  # a value larger than the cache
            self._entries[key] = value
        return value

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """Bytes held by the cached tensors and arrays."""
        return int(self._entries.currsize)


def _bytes_of(value: object) -> int:
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.nbytes
    if isinstance(value, tuple | list):
        return sum(_bytes_of(part) for part in value)
    return 0
