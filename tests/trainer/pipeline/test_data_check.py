"""A look at the data before a run: what can give nothing useful is refused, or told with what to do."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.source import Item, open_source
from trainer.errors import DataError
from trainer.pipeline.data_check import check_tags, hopeless_classes
from trainer.pipeline.outputs import write_masks
from trainer.progress import NullReporter


def items(*tags: tuple[str, ...] | None) -> list[Item]:
    return [Item(f"p{number}", Path(f"p{number}.jpg"), names) for number, names in enumerate(tags)]


def test_a_class_on_every_photo_is_told_with_what_to_do() -> None:
    (said,) = hopeless_classes(items(("cat",), ("cat", "dog"), None))
    assert "every tagged image shows cat" in said and "add images without it" in said
    assert not hopeless_classes(items(("cat",), ("dog",), ("cat", "dog")))
    assert not hopeless_classes(items(("cat",), ()))


def test_classes_that_only_occur_together_are_told() -> None:
    (said,) = hopeless_classes(items(("cat", "dog"), ("dog", "cat"), ("cow",)))
    assert "cat and dog only occur together, in p0, p1" in said
    (said,) = hopeless_classes(items(("cat", "dog"), ("cat", "dog")))
    assert "every tagged image shows cat and dog" in said


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("image,tags\na,\nb,\n", "none of the 2 images .* shows a class"),
        (
            "image,tags\na,zebra\n",
            r"none of the 2 images .* has tags; .* \(.*tags\.csv, line 2: the tag 'zebra' is not",
        ),
        (None, r"none of the 2 images .* has tags; list them in a tags\.csv"),
    ],
)
def test_tags_that_name_no_class_are_refused(table: str | None, says: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "classes.txt").write_text("cat\n")
    if table is not None:
        (tmp_path / "tags.csv").write_text(table)
    with pytest.raises(DataError, match=says):
        check_tags(open_source(tmp_path))


@pytest.mark.parametrize(
    ("value", "says"), [(0, "show no object"), (8, "cover the whole image"), (None, None)]
)
def test_masks_that_show_nothing_or_everything_are_told(
    value: int | None, says: str | None, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path in paths:
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    half = np.zeros((8, 8), np.uint8)
    half[:4] = 8
    stages = SimpleNamespace(
        items=[Item(path.stem, path, ("cat",)) for path in paths],
        classes=ClassList.voc(),
        labels=lambda stage, index: half if value is None else np.full((8, 8), value, np.uint8),
    )
    with NullReporter().stage("masks", 3) as stage:
        warnings = write_masks(stages, "walk", tmp_path / "out", False, stage)  # type: ignore[arg-type]
    assert [says in warning for warning in warnings] == ([] if says is None else [True])
