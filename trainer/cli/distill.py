"""`distill --teacher FILE --photos A B ... --out DIR`: train a small backbone after a large one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Device, Json, Out, Seed, Threads, finite, prepare_torch, print_json


def run(
    teacher: Annotated[
        Path,
        typer.Option(
            "--teacher", metavar="FILE", help="Weights to learn from, best with their ImageNet classifier."
        ),
    ],
    photos: Annotated[
        list[Path],
        typer.Option("--photos", metavar="ZIP_OR_DIR", help="Photos, no labels needed; more may follow."),
    ],
    out: Out,
    more: Annotated[list[Path] | None, typer.Argument(metavar="ZIP_OR_DIR", hidden=True)] = None,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes", min=0.01, max=1e6, callback=finite, help="Time to train, over all resumed runs."
        ),
    ] = 90,
    batch: Annotated[int, typer.Option("--batch", min=1, max=4096, help="Crops a step.")] = 16,
    bfloat16_teacher: Annotated[
        bool, typer.Option("--bfloat16-teacher", help="Faster where the processor knows it.")
    ] = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Train a small backbone, from random weights, after a large one.

    Leaves student.safetensors in the folder, a file for --weights. Started again with the same folder, it
    resumes from the last checkpoint. torchrun's processes share each batch.
    """
    from trainer.distill.training import Distillation, DistillationRecipe
    from trainer.distributed import join_process_group

    prepare_torch(threads, device)
    recipe = DistillationRecipe(minutes=minutes, batch=batch, seed=seed, bfloat16_teacher=bfloat16_teacher)
    with join_process_group(device) as group, open_reporter(json) as reporter:
        run = Distillation(teacher, [*photos, *(more or ())], out, recipe, device, group)
        run.run(reporter.message if group.is_main else lambda _: None)
        if not group.is_main:
            return
    student = out / "student.safetensors"
    figures = {"student": str(student), "steps": run.steps, "scores": run.scores}
    if json:
        print_json(figures)
    else:
        print(student)
