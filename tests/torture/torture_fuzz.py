"""Damaged and odd inputs of every kind: each ends in a right answer or in one sentence, and harms nothing.

hypothesis makes them up, always the same ones: whole data sets of which one file is changed, other files in
the place of the one that is asked for, and arguments. Each is one call of the program as a shell makes it.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import tempfile
import time
import zipfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import main as program
from trainer.data.backup import back_up
from trainer.data.images import palette_image, save_mask
from trainer.data.project import Project
from trainer.models.backbones import build_backbone
from trainer.models.bundle import Bundle, save_models
from trainer.models.segnet import SegmentationNet

INPUTS, SHORT_INPUTS = 600, 40
MOST_SECONDS = 5.0
MOST_MEMORY = 1 << 30

TOKENS = (
    *(b"", b"\xff", b"\0", b"\n", b"\t", b" ", b",", b";", b":", b"|", b"/", b"\\", b'"', b"[", b"{", b"../"),
    *(b"nan", b"-1", b"1e999", b"99999999999999999999", b"\xef\xbb\xbf", b"\xff\xfe", "\N{SNOWMAN}".encode()),
    *(b"<object>", b"&a;", b'<!DOCTYPE x [<!ENTITY a "b">]>', b"cat", b"Dog", b"background", b"tv/monitor"),
)
"""What is put into files: marks of many formats, numbers out of all range, names."""
ARGUMENTS = ("nan", "inf", "-1", "0", "1e30", str(10**30), "meta", "cuda:99", "/dev/zero", "..", "=")
LISTS = ("ImageSets/Main", "ImageSets/Segmentation")
COMMANDS = (
    "evaluate {data} {whole}",
    "evaluate {whole} {data} --split train",
    "evaluate {whole} {whole} --classes {file}",
    "import {data}",
    "import {photos} --masks {data}",
    "train-seg {data} --out {out}/net.safetensors --weights {nowhere}",
    "pipeline {data} --out {out} --classifier {nowhere}",
    "simulate {data} --method random-walker --clicks 1",
    "predict {data} --models {file} --out {out}",
    "train-seg {whole} --masks {nowhere} --out {out}/net.safetensors --weights {file}",
    "train-strokes {file} --out {out}/net.safetensors --steps 1 --start {nowhere}",
    "export {file} --out {out}",
    "restore {file} --to {out}",
    "backup {file} {out}/backup.zip --photos",
    "evaluate {whole} {whole} --split {argument}",
    "pipeline {whole} --out {out} --seed {argument} --alpha {argument} --classifier {nowhere}",
    "predict {whole} --models {nowhere} --out {out} --threads {argument} --device {argument}",
)

place = st.floats(0, 1)
change = st.one_of(
    st.tuples(st.just("byte"), place, st.integers(0, 255)),
    st.tuples(st.just("token"), place, st.sampled_from(TOKENS)),
    st.tuples(st.just("cut"), place, st.none()),
    st.tuples(st.just("twice"), place, st.none()),
)


def changed(content: bytes, changes: list[tuple[str, float, object]]) -> bytes:
    """Return a file's content with some changes; half of them fall on its first 300 bytes."""
    made = bytearray(content)
    for kind, where, value in changes:
        span = len(made) if where < 0.5 else min(len(made), 300)
        at = int(2 * (where % 0.5) * span)
        if kind == "byte" and made:
            made[min(at, len(made) - 1)] = value  # type: ignore[assignment]
        elif kind == "token":
            made[at : at + 2] = value  # type: ignore[assignment]
        elif kind == "cut":
            del made[at:]
        else:
            made[at:at] = made[:at]
    return bytes(made)


def make_inputs(root: Path) -> Path:
    """Make a data set with every kind of file in it, a project, models and an archive; return its folder."""
    whole, rng = root / "whole", np.random.default_rng(0)
    for folder in (
        "JPEGImages",
        "SegmentationClass",
        "Annotations",
        "ImageSets/Main",
        "ImageSets/Segmentation",
    ):
        (whole / folder).mkdir(parents=True)
    mask = np.zeros((24, 32), np.uint8)
    mask[4:16, 4:20] = 8
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).save(whole / f"JPEGImages/{name}.jpg")
        save_mask(whole / f"SegmentationClass/{name}.png", mask)
        xml = "<annotation><object><name>cat</name></object></annotation>"
        (whole / f"Annotations/{name}.xml").write_text(xml)
    palette_image(mask).convert("RGB").save(whole / "SegmentationClass/b.png")
    (whole / "ImageSets/Main/cat_train.txt").write_text("a 1\nb -1\n")
    (whole / "ImageSets/Segmentation/train.txt").write_text("a\nb\n")
    (whole / "tags.csv").write_text("image,tags\na,cat\nb,dog\n")
    torch.manual_seed(0)
    network = SegmentationNet(build_backbone("mobilenet_v2"), 1)
    save_models(whole / "models.safetensors", Bundle(("cat",), segmentation=network))
    torch.save(build_backbone("resnet18").state_dict(), whole / "weights.pth")
    with zipfile.ZipFile(whole / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("JPEGImages/a.jpg", "SegmentationClass/a.png"):
            archive.write(whole / name, name)
    with closing(Project.open_folder(whole)) as project:
        project.accept("a", mask)
        back_up(project, whole / "backup.zip", photos=True)
    return whole


def snapshot(folder: Path, aside: Path) -> dict[str, int]:
    """When each file below a folder was written, but for those below `aside`."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(aside))
    return {str(path): path.stat().st_mtime_ns for path in files}


def run(short: bool) -> dict:
    """Call the program with made-up inputs; return figures, and the smallest input that went wrong."""
    figures: dict = {"inputs": 0, "problems": []}
    counts: Counter[int] = Counter()
    slowest = [0.0]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        whole, work = make_inputs(root), root / "work"
        files = sorted(path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file())

        @settings(
            max_examples=SHORT_INPUTS if short else INPUTS,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            st.sampled_from(COMMANDS),
            st.sampled_from(files),
            st.lists(change, min_size=1, max_size=4),
            st.sampled_from(ARGUMENTS),
        )
        def check(command: str, file: str, changes: list, argument: str) -> None:
            shutil.rmtree(work, ignore_errors=True)
            data = work / "data"
            shutil.copytree(whole, data)
            (data / file).write_bytes(changed((whole / file).read_bytes(), changes))
            shutil.copytree(whole / "JPEGImages", work / "photos")
            names = {
                "data": data, "whole": whole, "photos": work / "photos", "file": data / file,
                "out": work / "out", "nowhere": work / "nowhere", "argument": argument,
            }  # fmt: skip
            before = snapshot(root, work)
            args = [part.format(**names) for part in command.split()]
            out, err, started = io.StringIO(), io.StringIO(), time.process_time()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = program.main(args)
            seconds = time.process_time() - started
            figures["inputs"] += 1
            counts[status] += 1
            slowest[0] = max(slowest[0], seconds)
            assert status in (0, 2), f"status {status}: {err.getvalue()}"
            said = [line for line in err.getvalue().splitlines() if line]
            assert (status == 2) == (len(said) == 1), f"status {status}, and it says {said}"
            assert seconds < MOST_SECONDS or short, f"{seconds:.0f} s"
            assert snapshot(root, work) == before, "files outside its folder were changed"

        with mock.patch.dict(
            os.environ, XDG_STATE_HOME=str(work / "state"), XDG_DATA_HOME=str(work / "share")
        ):
            try:
                check()
            except BaseException as error:
                figures["problems"] += [str(error), *getattr(error, "__notes__", [])]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if not short and memory > MOST_MEMORY:
        figures["problems"].append(f"{memory >> 20} MB of memory")
    return figures | {
        "right answers": counts[0],
        "sentences": counts[2],
        "slowest, s": round(slowest[0], 2),
        "memory, MB": memory >> 20,
    }
