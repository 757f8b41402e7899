"""The classifier behind the bundled weights, from tagged photos alone.

``python -m trainer.distill.tag_classifier MIX --weights FILE --out FILE``, alone or under ``torchrun``.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from trainer.data.source import Source, open_source
from trainer.data.views import Views
from trainer.distributed import SINGLE_PROCESS, ProcessGroup, join_process_group
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.classifier import RECIPE, classifier_steps
from trainer.models.bundle import Bundle, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import channels_last
from trainer.models.weights import load_backbone_weights

LONG_SIDE = 500
"""Photos are seen at no more than this many pixels."""
SEEN = {"cam_side": 384, "scales": (1.0, 0.5, 1.4)}
"""At which sizes it looks at photos later: those at which it learns (`Augmentation.long_side`)."""
REPORTED = 50
"""Batches from one report to the next."""


def train_classifier(
    source: Source,
    weights: Path,
    out: Path,
    epochs: int,
    group: ProcessGroup = SINGLE_PROCESS,
) -> None:
    """Train a classifier of the classes of `source` on a backbone and save it as a file of models.

    An interrupted training goes on from ``OUT.checkpoint``. Raises UserError where a file cannot be read or
    written.
    """
    items = [item for item in source.items if item.tags is not None]
    torch.manual_seed(RECIPE.seed)
    classifier = channels_last(CamClassifier(load_backbone_weights(weights), len(source.classes)))
    checkpoint = out.with_suffix(".checkpoint")
    steps = classifier_steps(
        classifier,
        Views([item.image_path for item in items], LONG_SIDE),
        [[source.classes.id_of(tag) for tag in item.tags or ()] for item in items],
        replace(RECIPE, epochs=epochs),
        group,
        Checkpoint(checkpoint, print),
    )
    for step in steps:
        if group.is_main and (step.step % REPORTED == 0 or step.step == step.steps):
            print(f"step {step.step}/{step.steps}, epoch {step.epoch}, loss {step.loss:.3f}", flush=True)
    if group.is_main:
        save_models(out, Bundle(source.classes.names, classifier=classifier, info=SEEN))
        checkpoint.unlink(missing_ok=True)


def main() -> None:
    """``python -m trainer.distill.tag_classifier MIX --weights FILE --out FILE``."""
    parser = argparse.ArgumentParser(description="A classifier from tagged photos.")
    parser.add_argument("photos", type=Path, help="folder of photos with tags.csv, as `tag_mix` leaves it")
    parser.add_argument("--weights", type=Path, required=True, help="backbone to begin with")
    parser.add_argument("--out", type=Path, required=True, help="file for the models")
    parser.add_argument("--epochs", type=int, default=6)
    chosen = parser.parse_args()
    with join_process_group() as group:
        train_classifier(open_source(chosen.photos), chosen.weights, chosen.out, chosen.epochs, group)


if __name__ == "__main__":
    main()
