"""Random crops of photos, for training without labels."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trainer.distill.photo_archive import PhotoArchive


class Crops:
    """Batches of random crops, the next one drawn in a thread while one is used.

    Args:
        names: the photos to draw from. Collections (the first part of the names) count by the square root
            of their sizes, so that a small one is not drowned by a large one.
        batch: crops to a batch, each of another photo.
        area: smallest and largest share of a photo that a crop covers.
    """

    def __init__(
        self, photos: PhotoArchive, names: Sequence[str], batch: int, area: tuple[float, float], seed: int
    ) -> None:
        self._photos, self._names, self._count, self._area = photos, names, batch, area
        self._rng = np.random.default_rng(seed)
        roots = [name.split("/")[0] for name in names]
        sizes = Counter(roots)
        chances = np.array([sizes[root] ** -0.5 for root in roots])
        self._chances = chances / chances.sum()

    def batches(self, size: Callable[[], int]) -> Iterator[Tensor]:
        """Endless ``batch×3×s×s`` uint8 tensors; ``size`` gives s and is called for every batch."""
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(self._batch, size())
            while True:
                current, following = following.result(), pool.submit(self._batch, size())
                yield current

    def _batch(self, side: int) -> Tensor:
        drawn = self._rng.choice(len(self._names), self._count, self._count > len(self._names), self._chances)
        crops = np.stack([self._crop(self._photos.read(self._names[index]), side) for index in drawn])
        return torch.from_numpy(crops).permute(0, 3, 1, 2)

    def _crop(self, photo: np.ndarray, side: int) -> np.ndarray:
        height, width = photo.shape[:2]
        area = height * width * self._rng.uniform(*self._area)
        ratio = np.exp(self._rng.uniform(-0.3, 0.3))
        h = int(min(height, max(16, np.sqrt(area / ratio))))
        w = int(min(width, max(16, np.sqrt(area * ratio))))
        y, x = self._rng.integers(height - h + 1), self._rng.integers(width - w + 1)
        image = Image.fromarray(photo[y : y + h, x : x + w])
        crop = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
        return crop[:, ::-1] if self._rng.random() < 0.5 else crop


def jitter_batch(images: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast and colour cast of each image changed at random; ``B×3×h×w`` in 0…255, float32."""
    images = images.float()
    count = len(images)
    gain = torch.empty(count, 1, 1, 1).uniform_(0.7, 1.3, generator=generator)
    cast = torch.empty(count, 3, 1, 1).uniform_(-20, 20, generator=generator)
    mean = images.mean((1, 2, 3), keepdim=True)
    return ((images - mean) * gain + mean + cast).clamp(0, 255)
