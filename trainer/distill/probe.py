"""Linear probe: how much a backbone's pooled features tell about unseen classes.

Twenty classes of Caltech-101, ten photos each to learn from and ten to be judged on. The distillation of the
bundled backbone keeps these classes out entirely.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from trainer.distill.photo_archive import PhotoArchive, folder_of
from trainer.models.base import Backbone
from trainer.models.weights import load_backbone_weights

PROBE_CLASSES = (
    "beaver", "binocular", "brontosaurus", "crab", "crayfish", "cup", "gerenuk", "helicopter",
    "inline_skate", "llama", "lobster", "minaret", "okapi", "pagoda", "pizza", "pyramid", "soccer_ball",
    "stapler", "stop_sign", "tick",
)  # fmt: skip
"""Drawn once from the folders of Caltech-101 that name no VOC class and have no second folder."""

PHOTOS_EACH = 10
_CROP = 192


def probe_names(names: Iterable[str], seed: int = 0) -> tuple[list[str], list[str]]:
    """Names of the photos to learn from and to be judged on, drawn by ``seed``; both may be empty."""
    by_class: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if folder_of(name) in PROBE_CLASSES:
            by_class[folder_of(name)].append(name)
    learn: list[str] = []
    judge: list[str] = []
    rng = np.random.default_rng(seed)
    for label in sorted(by_class):
        drawn = rng.permutation(sorted(by_class[label]))[: 2 * PHOTOS_EACH]
        learn += drawn[:PHOTOS_EACH].tolist()
        judge += drawn[PHOTOS_EACH:].tolist()
    return learn, judge


def probe(backbone: Backbone, photos: PhotoArchive, seed: int = 0) -> float:
    """Share (0…1) of the judged photos that a linear classifier on pooled features names rightly."""
    learn, judge = probe_names(photos.names, seed)
    learnt, judged = (pooled_features(backbone, photos, names) for names in (learn, judge))
    mean, std = learnt.mean(0), learnt.std(0) + 1e-3 * learnt.std()
    labels = torch.tensor([PROBE_CLASSES.index(folder_of(name)) for name in learn])
    weights = _logistic_regression((learnt - mean) / std, labels)
    named = (((judged - mean) / std) @ weights.T).argmax(1)
    return float(
        (named == torch.tensor([PROBE_CLASSES.index(folder_of(name)) for name in judge])).float().mean()
    )


@torch.inference_mode()
def pooled_features(backbone: Backbone, photos: PhotoArchive, names: Sequence[str]) -> Tensor:
    """Mean over the deepest map of each photo's central square, ``N×channels`` on the CPU."""
    device = next(backbone.parameters()).device
    training, rows = backbone.training, []
    backbone.eval()
    for start in range(0, len(names), 32):
        batch = np.stack([_centre(photos.read(name)) for name in names[start : start + 32]])
        images = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2)
        rows.append(backbone.deepest(backbone.convention.normalise(images)).mean((2, 3)).float().cpu())
    backbone.train(training)
    return torch.cat(rows)


def _centre(photo: np.ndarray) -> np.ndarray:
    height, width = photo.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(photo[top : top + side, left : left + side])
    return np.asarray(square.resize((_CROP, _CROP), Image.Resampling.BILINEAR))


def _logistic_regression(features: Tensor, labels: Tensor, decay: float = 1e-2) -> Tensor:
    """Weights ``classes×channels`` without bias, by L-BFGS: convex, so the start does not matter."""
    weights = torch.zeros(len(PROBE_CLASSES), features.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = functional.cross_entropy(features @ weights.T, labels) + decay / 2 * weights.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)  # type: ignore[arg-type]
    return weights.detach()


def main() -> None:
    """``python -m trainer.distill.probe WEIGHTS PHOTOS``."""
    parser = argparse.ArgumentParser(description="Linear probe of a backbone on 20 classes of Caltech-101.")
    parser.add_argument("weights", type=Path, help="backbone, safetensors or .pth")
    parser.add_argument("photos", type=Path, nargs="+", help="zip file or folder with Caltech-101's folders")
    arguments = parser.parse_args()
    accuracy = probe(load_backbone_weights(arguments.weights), PhotoArchive(arguments.photos))
    print(f"{arguments.weights.name}: {100 * accuracy:.1f} %")


if __name__ == "__main__":
    main()
