"""Kills of what writes files: exports, backups, networks, whole runs."""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

import main as program
from tests.torture.killing import Tell, problems_of_file, run_apart
from tests.torture.scenario import NAMES, Report, files_below, mask, write_photos
from trainer.data.backup import back_up, restore
from trainer.data.export import export_project
from trainer.data.formats.registry import WRITERS
from trainer.data.images import save_mask
from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone
from trainer.models.bundle import load_models
from trainer.models.classifier import CamClassifier
from trainer.worker.affinity_subject import AffinitySubject
from trainer.worker.model_versions import FOLDS, Taught, load_version, save_version


class Export:
    """An export in the place of an earlier one, or, every other time, where there was none."""

    name, kills, span = "export", 30, 0.0

    def __init__(self, folder: Path) -> None:
        self._out = folder / "out"
        self._projects = []
        self._whole = []
        for version, names in enumerate((NAMES, (*NAMES[1:], *"efgh"))):
            photos = write_photos(folder / f"photos{version}", names)
            with closing(Project.open_folder(photos)) as project:
                for name in names:
                    project.accept(name, mask(1 + version))
            self._projects.append(photos)
            self._export(version, folder / f"whole{version}")
            self._whole.append(files_below(folder / f"whole{version}"))
        self._round = 0

    def begin(self) -> None:
        """Have the earlier export there, or nothing."""
        self._round += 1
        shutil.rmtree(self._out, ignore_errors=True)
        if self._round % 2:
            self._export(0, self._out)

    def work(self, tell: Tell) -> None:
        """Export the other project."""
        tell("begun")
        self._export(1, self._out)
        tell("exported")

    def check(self, told: list[str]) -> Report:
        """The old export, the new one, or one without its list; exported again it is the new one."""
        report, found = Report(), files_below(self._out) if self._out.exists() else {}
        before = self._whole[0] if self._round % 2 else {}
        if told and found != self._whole[1]:
            report.lost += 1
        if found not in (before, self._whole[1]) and "labelmap.txt" in found:
            report.problems.append("there is neither the old export nor the new one, and it looks complete")
        if not self._round % 2 and found not in ({}, self._whole[1]):
            report.problems.append("a first export is there in part")
        self._export(1, self._out)
        if files_below(self._out) != self._whole[1]:
            report.problems.append("exported again, it is not what it should be")
        if left := [*self._out.rglob("*.partial"), *self._out.parent.glob(".*.partial")]:
            report.problems.append(f"left behind: {left[0].name}")
        return report

    def _export(self, version: int, out: Path) -> None:
        with closing(Project.open(self._projects[version], reading=True)) as project:
            export_project(project, WRITERS["voc"], out)


class Promotion:
    """One model after the other that is saved as a version and put to use."""

    name, kills, span = "promotion", 25, 0.4

    def __init__(self, folder: Path) -> None:
        self._photos = write_photos(folder / "photos")
        with closing(Project.open_folder(self._photos)) as project:
            backbone = build_backbone("mobilenet_v2")
            classifier = CamClassifier(backbone, len(project.classes)).eval()
            models = Models(project.classes, classifier, AffinityNet(backbone).eval())
        self._engine = Engine(models)
        self._subject = AffinitySubject(self._engine)
        self._told = 0

    def begin(self) -> None:
        """Go on where the work was killed."""

    def work(self, tell: Tell) -> None:
        """Promote, and tell of each."""
        project, subject = Project.open(self._photos), self._subject
        nets = [subject.blank(subject.classes) for _ in range(1 + FOLDS)]
        taught = Taught(nets[0], tuple(nets[1:]), {"a": 0, "b": 1})
        tell("begun")
        while True:
            tell(str(save_version(project, subject, taught, 0.5, "").number))

    def check(self, told: list[str]) -> Report:
        """All that were told are there, and the last one is whole and in use."""
        report = Report()
        self._told = max([self._told, *map(int, told)])
        with closing(Project.open(self._photos)) as project:
            versions = project.model_versions()
            numbers = [version.number for version in versions]
            if numbers not in (list(range(1, self._told + 1)), list(range(1, self._told + 2))):
                report.lost += max(0, self._told - len(numbers))
                report.problems.append(f"versions {numbers} are there, {self._told} were told")
            self._told = len(numbers)
            if missing := [version for version in versions if not version.file.is_file()]:
                report.problems.append(f"{missing[0].file.name} is missing")
            if versions and [version.number for version in versions if version.current] != numbers[-1:]:
                report.problems.append("the last version is not the one in use")
            if versions:
                load_version(versions[-1], self._engine)
            if left := list(project.models_dir.glob(".*.partial")):
                report.problems.append(f"left behind: {left[0].name}")
        report.problems += problems_of_file(project.file)
        return report


class BackupAndRestore:
    """A backup in the place of an earlier one, and its restoring."""

    name, kills, span = "backup and restore", 15, 0.0

    def __init__(self, folder: Path) -> None:
        self._photos, self._file, self._again = (
            write_photos(folder / "photos"),
            folder / "backup.zip",
            folder / "again",
        )
        with closing(Project.open_folder(self._photos)) as project:
            project.accept("a", mask(8))
            back_up(project, self._file, photos=True)

    def begin(self) -> None:
        """Have the earlier backup, and nothing that was restored."""
        shutil.rmtree(self._again, ignore_errors=True)

    def work(self, tell: Tell) -> None:
        """Write a backup, and restore it."""
        tell("begun")
        with closing(Project.open(self._photos, reading=True)) as project:
            back_up(project, self._file, photos=True)
        restore(self._file, self._again)
        tell("restored")

    def check(self, told: list[str]) -> Report:
        """The backup is whole; what was restored is whole, or can be restored again."""
        report = Report()
        restored = (self._again / "affinity-project").exists()
        if told and not restored:
            report.lost += 1
        if not restored:
            restore(self._file, self._again)
        with closing(Project.open(self._again)) as project:
            if not np.array_equal(project.accepted_mask("a"), mask(8)):
                report.problems.append("the restored project lacks its mask")
        report.problems += problems_of_file(project.file)
        return report


class Training:
    """The training of a segmentation network into one file."""

    name, kills, span = "training", 10, 0.0

    def __init__(self, folder: Path) -> None:
        self._photos, self._masks = write_photos(folder / "photos"), folder / "masks"
        for name in NAMES:
            save_mask(self._masks / f"{name}.png", mask(8))
        self._out = folder / "net.safetensors"

    def begin(self) -> None:
        """Have no network there."""
        self._out.unlink(missing_ok=True)

    def work(self, tell: Tell) -> None:
        """Train."""
        tell("begun")
        run_program(
            f"train-seg {self._photos} --masks {self._masks} --out {self._out} --epochs 1 --threads 1"
        )
        tell("trained")

    def check(self, told: list[str]) -> Report:
        """There is a whole network, or none."""
        report = Report()
        if told and not self._out.exists():
            report.lost += 1
        if self._out.exists() and load_models(self._out).segmentation is None:
            report.problems.append("there is a file without the network")
        for left in self._out.parent.glob(".*.partial"):
            left.unlink()
        return report


class Pipeline:
    """A run of the whole pipeline, which goes on where it was killed."""

    name, kills, span = "pipeline", 10, 0.0
    _ends = 4  # kills after which a run comes to its end

    def __init__(self, folder: Path) -> None:
        self._photos, self._out = write_photos(folder / "photos"), folder / "out"
        self._whole: dict[str, bytes] = {}
        self._kills = 0

    def begin(self) -> None:
        """Go on with the run."""

    def work(self, tell: Tell) -> None:
        """Run, or go on."""
        tell("begun")
        run_program(f"pipeline {self._photos} --out {self._out} --no-training --threads 1")
        tell("masks")

    def check(self, told: list[str]) -> Report:
        """Masks that are there are those of a run that nobody killed; now and then it is finished."""
        report, masks = Report(), self._masks()
        if not self._whole:
            self._whole = masks
            shutil.rmtree(self._out)
            return report
        self._kills += 1
        if told and masks != self._whole:
            report.lost += 1
            report.problems.append("the masks are not those of a run that nobody killed")
        elif any(self._whole.get(name) != content for name, content in masks.items()):
            report.problems.append("there is a mask of which only a part is written, or another one")
        if told or self._kills % self._ends == 0:
            finished = run_apart(self.work)
            if finished.error or self._masks() != self._whole:
                report.problems.append(
                    f"a run that was killed and finished left other masks {finished.error}".strip()
                )
            shutil.rmtree(self._out)
        return report

    def _masks(self) -> dict[str, bytes]:
        folder = self._out / "SegmentationClass"
        return files_below(folder) if folder.is_dir() else {}


def run_program(command: str) -> None:
    """Run a command of the program as a shell would; raises where it fails."""
    with suppress(SystemExit):
        if (status := program.main(command.split())) != 0:
            raise AssertionError(f"`{command}` ended with status {status}")
