"""The report page: one file that carries everything, ours beside the published figures."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.images import save_mask
from trainer.data.source import Source, open_source
from trainer.errors import DataError
from trainer.pipeline.report import Report, collect_stages, picture_rows, render, write_report


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Three tagged photos, two of them with true masks."""
    root = tmp_path / "data"
    (root / "SegmentationClass").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(generator.integers(0, 256, (30, 40, 3), np.uint8)).save(root / f"{name}.png")
    for name in ("a", "b"):
        save_mask(root / "SegmentationClass" / f"{name}.png", square(10))
    (root / "tags.csv").write_text("image,tags\na,cat\nb,cat\nc,cat\n")
    return open_source(root)


def square(side: int) -> np.ndarray:
    labels = np.zeros((30, 40), np.uint8)
    labels[5 : 5 + side, 5 : 5 + side] = 8
    return labels


@pytest.fixture
def run(tmp_path: Path, source: Source) -> Path:
    """A run whose walk is right and whose CAM is not."""
    for stage, side in (("cam", 20), ("walk", 10)):
        for item in source.items:
            folder = tmp_path / "run" / "stages" / stage
            folder.mkdir(parents=True, exist_ok=True)
            save_mask(folder / f"{item.id}.png", square(side))
    return tmp_path / "run"


def test_stages_are_found_in_the_order_of_the_method_and_scored(source: Source, run: Path) -> None:
    cam, walk = collect_stages(source, run, {"walk": 0.25})
    assert (cam.name, walk.name) == ("CAM", "random walk")
    assert cam.scores is not None and walk.scores is not None
    assert cam.scores.iou["cat"] == pytest.approx(0.25)
    assert walk.scores.miou == 1.0
    assert (cam.seconds, walk.seconds) == (None, 0.25)


def test_a_run_without_stages_tells_what_to_do(source: Source, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--stages"):
        collect_stages(source, tmp_path)


def test_pictures_show_every_stage_and_the_truth_where_there_is_one(source: Source, run: Path) -> None:
    a, _, c = picture_rows(source, collect_stages(source, run))
    assert list(a.panels) == ["image", "CAM", "random walk", "truth"]
    assert "truth" not in c.panels
    assert a.name == "a: cat"


def test_pictures_are_spread_over_the_data(source: Source, run: Path) -> None:
    rows = picture_rows(source, collect_stages(source, run), count=2)
    assert [row.name for row in rows] == ["a: cat", "c: cat"]


def test_photos_that_the_run_left_out_are_not_shown(source: Source, run: Path) -> None:
    for stage in ("cam", "walk"):
        (run / "stages" / stage / "a.png").unlink()
    (source.root / "a.png").write_bytes(b"damaged")
    rows = picture_rows(source, collect_stages(source, run))
    assert [row.name for row in rows] == ["b: cat", "c: cat"]


@pytest.fixture
def report(source: Source, run: Path) -> Report:
    stages = collect_stages(source, run)
    return Report(
        "Cats & <dogs>",
        "three photos",
        source.classes,
        stages,
        picture_rows(source, stages),
        {"seed": "<script>alert(0)</script>"},
        ["one photo was left out"],
    )


def test_the_page_stands_alone(report: Report) -> None:
    page = render(report)
    assert page.count("data:image/jpeg;base64,") == 3 + 3 * 2 + 2
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "<script" not in page
    assert "Cats &amp; &lt;dogs&gt;" in page
    assert "one photo was left out" in page


def test_published_figures_are_marked_as_such(report: Report) -> None:
    page = render(report)
    for figure in ("48.0", "58.1", "61.7", "63.7"):
        assert figure in page
    assert page.count("published on VOC 2012") == 5


def test_the_class_table_has_a_row_a_stage_and_marks_the_best(report: Report) -> None:
    table = re.search(r"<h2>IoU of every class.*?</table>", render(report), re.S)
    assert table is not None
    heads = re.findall(r"<th>(.*?)</th>", table[0])
    assert heads == ["", "bkg", "cat", "mean"]
    cam, walk = re.findall(r"<tr><td>(.*?)</tr>", table[0])
    assert "25.0" in cam and "best" not in cam
    assert walk.count('<span class="best">100.0</span>') == 3


def test_without_truth_the_page_says_there_is_nothing_to_score(
    source: Source, run: Path, tmp_path: Path
) -> None:
    for mask in (source.root / "SegmentationClass").iterdir():
        mask.unlink()
    bare = open_source(source.root)
    stages = collect_stages(bare, run)
    page = render(Report("t", "", bare.classes, stages, picture_rows(bare, stages)))
    assert "nothing to score" in page


def test_figures_lie_beside_the_page(report: Report, tmp_path: Path) -> None:
    page = write_report(report, tmp_path / "out")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    figures = sorted(path.name for path in (tmp_path / "out" / "figures").glob("[!.]*"))
    assert figures == ["overview.png", "row-01.png", "row-02.png", "row-03.png"]


def test_a_report_takes_the_place_of_a_former_one_and_of_nothing_else(report: Report, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report(report, out)
    (out / "figures/mine.png").write_text("mine")
    (out / ".report.0123.partial").mkdir()
    write_report(replace(report, rows=report.rows[:1]), out)
    figures = sorted(path.name for path in (out / "figures").glob("[!.]*"))
    assert figures == ["mine.png", "overview.png", "row-01.png"]
    assert sorted(path.name for path in out.iterdir()) == ["figures", "report.html"]


@pytest.mark.parametrize("name", ["report.html", "figures/overview.png", "figures/row-02.png"])
def test_files_of_somebody_else_are_only_replaced_by_force(report: Report, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    with pytest.raises(DataError, match=Path(name).name):
        write_report(report, out)
    assert (out / name).read_text() == "mine" and not list(out.glob(".report*"))
    write_report(report, out, force=True)
    assert (out / name).read_bytes() != b"mine"
