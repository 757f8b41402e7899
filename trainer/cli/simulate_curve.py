"""`simulate --curve`: how much corrections help the photos that nobody has corrected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainer.cli.console import open_reporter
from trainer.cli.options import print_json, print_table
from trainer.data.source import open_source
from trainer.engine import Engine
from trainer.errors import UserError
from trainer.models.bundle import load_models
from trainer.models.registry import BUNDLED
from trainer.robot import CurveOptions
from trainer.robot.curve import CLICKS, Curve, Point
from trainer.robot.curve_picture import draw_curve
from trainer.robot.photos import PhotoSet


def run_curve(
    photos: PhotoSet,
    models: Path | None,
    device: str,
    options: CurveOptions,
    json: bool,
    picture: Path | None,
) -> None:
    """Simulate, print what came of it, and draw it where a `picture` is asked for."""
    if any(photo.grey for photo in photos.photos):
        raise UserError(f"{photos.root} has no tags to start from; give a data set with SegmentationClass")
    source = open_source(photos.root, photos.split, photos.classes)
    tags = {item.id: item.tags or () for item in source.items}
    engine = Engine.from_bundle(load_models(models or BUNDLED), classes=photos.classes, device=device)
    curve = Curve(engine, photos, tags, options)
    with open_reporter(json) as reporter:
        off = curve.off(reporter)
        on = curve.on(reporter)
        for problem in photos.problems:
            reporter.message(f"warning: {problem}")
    if picture is not None:
        draw_curve(on, off).save(picture)
    if json:
        record = {
            "on": [point.to_json() for point in on],
            "off": [point.to_json() for point in off],
            "order": options.order,
            "accepted": options.accept,
            "sample": options.sample,
            "max_clicks": CLICKS,
            "seed": options.seed,
            "split": photos.split,
        }
        print_json(record)
        return
    _print(on, off, photos, options)


def _print(on: Sequence[Point], off: Sequence[Point], photos: PhotoSet, options: CurveOptions) -> None:
    rows = []
    for one, other in zip(on, off, strict=True):
        row = [str(one.corrected)]
        for name, share in (
            ("miou_untouched", True),
            ("miou_propagated", True),
            ("strokes_85", False),
            ("strokes_90", False),
        ):
            for point in (other, one):
                value = getattr(point, name)
                row.append(f"{100 * value:.1f}" if share else f"{value:.2f}")
        rows.append([*row, str(one.version)])
    head = ["corrected", "mIoU off", "on", "before refinement off", "on", "strokes to 0.85 off", "on"]
    head += ["to 0.90 off", "on", "model"]
    print_table(
        f"{len(photos.photos)} images, split {photos.split}, {options.order} order: those not corrected yet, "
        "trainer off and on",
        head,
        rows,
    )
