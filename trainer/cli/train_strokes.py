"""`train-strokes OBJECTS… --out FILE`: a stroke network from photos with masks of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import MOST, Device, Json, Seed, Threads, finite, prepare_torch, print_json


def run(
    objects: Annotated[
        list[Path],
        typer.Argument(
            metavar="OBJECTS…",
            help="Folders or zip files with JPEGImages beside objects (an id an object), SegmentationObject "
            "or SegmentationClass (a VOC tree, an export), or projects, whose accepted masks are taken.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The network's file, .safetensors.")],
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="FILE", help="Stroke network to start from; else the one that ships."
        ),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option("--exclude", metavar="FILE", help="Names of photos to leave out, one a line."),
    ] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, max=MOST, help="Batches in all.")] = 6000,
    batch: Annotated[int, typer.Option("--batch", min=2, max=4096, help="Views to a batch.")] = 64,
    rate: Annotated[
        float, typer.Option("--rate", min=1e-7, max=1, callback=finite, help="Learning rate of the decoder.")
    ] = 1e-3,
    held_out: Annotated[
        float,
        typer.Option(
            "--held-out",
            min=0,
            max=0.5,
            callback=finite,
            help="Share of the photos to judge by, not to learn from.",
        ),
    ] = 0.04,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Compute layers in bfloat16, faster on a GPU.")
    ] = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Train the stroke network on masks of objects.

    It learns what objects look like, and no class names. Started again after it was cut short, it goes on
    where it stopped.
    """
    from trainer.data.atomic import check_writable
    from trainer.errors import DataError
    from trainer.learn.checkpoint import Checkpoint
    from trainer.learn.object_photos import find_pairs, read_photos
    from trainer.learn.strokes import StrokeRecipe, held_out_indices, train_strokes
    from trainer.models.registry import BUNDLED
    from trainer.models.stroke_net import FULL, load_stroke_net, save_stroke_net

    if out.is_dir():
        raise DataError(f"{out} is a folder; give the name of a file, such as {out / 'strokes.safetensors'}")
    check_writable(out)
    prepare_torch(threads, device)
    left_out = _lines(exclude) if exclude else []
    path = start or BUNDLED.with_name("stroke_net.safetensors")
    net = load_stroke_net(path, FULL).to(device)
    recipe = StrokeRecipe(steps=steps, batch=batch, rate=rate, backbone_rate=rate / 5, seed=seed)
    with open_reporter(json) as reporter:
        photos = read_photos(find_pairs(objects, left_out), reporter)
        judged, learnt = held_out_indices(photos.names, held_out)
        if not learnt:
            raise DataError("all photos are held out; give more photos or a smaller --held-out")
        data = f"; from {path.name}, {len(judged)} held out, bfloat16 {bfloat16}"
        checkpoint = Checkpoint(out.with_name(f"{out.name}.checkpoint"), reporter.message, data)
        scores = train_strokes(
            net,
            photos.subset(learnt).to(device),
            photos.subset(judged).to(device) if judged else None,
            recipe,
            reporter,
            checkpoint,
            bfloat16,
        )
        save_stroke_net(out, net.cpu())
        checkpoint.path.unlink(missing_ok=True)
        figures = {"network": str(out), "photos": len(learnt), "held out": len(judged), **scores}
        if json:
            print_json(figures)
        else:
            print(out)


def _lines(path: Path) -> list[str]:
    from trainer.data.files import read_text

    return read_text(path, "the list of photos").split()
