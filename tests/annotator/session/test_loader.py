"""Loading images in the pool: what comes too late for its project reaches nobody."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from annotator.session.document import Document
from annotator.session.loader import DocumentLoader
from trainer.data.project import Project


class HeldJobs:
    """A pool whose answers arrive when the test says so."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], Any]] = []

    def submit(self, work: Callable[[], Any], done: Callable, failed: Callable, priority: int = 0) -> None:
        try:
            result = work()
        except Exception as error:
            refusal = error
            self.answers.append(lambda: failed(refusal))
        else:
            self.answers.append(lambda: done(result))


def grey_project(folder: Path, grey: int) -> Project:
    """A project of one image called "photo"."""
    folder.mkdir()
    Image.new("RGB", (8, 6), (grey, grey, grey)).save(folder / "photo.png")
    return Project.open_folder(folder)


@pytest.mark.parametrize("readable", [True, False])
def test_an_image_of_the_project_that_was_left_is_not_taken_for_one_of_the_same_name(
    tmp_path: Path, qtbot: QtBot, readable: bool
) -> None:
    former, present = grey_project(tmp_path / "former", 10), grey_project(tmp_path / "present", 200)
    jobs, shown, refused = HeldJobs(), list[Document](), list[str]()
    loader = DocumentLoader(jobs)  # type: ignore[arg-type]
    loader.loaded.connect(shown.append)
    loader.failed.connect(lambda image_id, error: refused.append(image_id))
    if not readable:
        (tmp_path / "former" / "photo.png").unlink()
    loader.open(former, "photo")
    loader.clear()
    loader.open(present, "photo")
    for answer in jobs.answers:
        answer()
    assert [int(np.max(document.image)) for document in shown] == [200] and not refused
    for project in (former, present):
        project.close()
