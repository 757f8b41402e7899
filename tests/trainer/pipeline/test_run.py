"""The whole way headless, on a small tree and random weights: what is left on the disk, and what is told."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.images import load_image, load_mask
from trainer.data.regions import remove_small_regions
from trainer.data.source import open_source
from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.engine import Engine
from trainer.errors import DataError, UserError
from trainer.learn.augment import Augmentation
from trainer.learn.loop import Recipe
from trainer.method.calibration import LARGEST
from trainer.method.masks import with_tagged_classes
from trainer.method.settings import Settings
from trainer.method.strokes import StrokeModel
from trainer.models.bundle import load_models, save_models
from trainer.models.class_rows import forget
from trainer.models.registry import BUNDLED
from trainer.pipeline.options import Options
from trainer.pipeline.run import AlphaFound, Result, run_pipeline
from trainer.progress import NullReporter, Reporter, Stage

QUICK = Recipe(2, 2, views=Augmentation(long_side=(48, 64), crop=64))
RECORDS = ("seconds.json", "files.sha256")
"""Files of a run that every start writes to."""
IDS = {"one": {8}, "two": {12, 15}, "three": set()}


def _run(
    tree: Path,
    out: Path,
    report: Reporter | None = None,
    group: ProcessGroup = SINGLE_PROCESS,
    **changes: object,
) -> Result:
    options = Options(
        classifier_recipe=QUICK,
        affinity_recipe=QUICK,
        segmentation_recipe=QUICK,
        least_steps=1,
        segmentation=True,
        stages=True,
    )
    return run_pipeline(open_source(tree), out, replace(options, **changes), report, group)


@pytest.fixture
def result(voc_tree: Path, tmp_path: Path) -> Result:
    return _run(voc_tree, tmp_path / "out")


def test_a_run_leaves_a_voc_tree_of_masks_with_tagged_classes_only(result: Result, tmp_path: Path) -> None:
    for image_id, tagged in IDS.items():
        with Image.open(tmp_path / "out" / "SegmentationClass" / f"{image_id}.png") as mask:
            assert mask.mode == "P"
            assert mask.size == (60, 40)
            assert set(np.unique(np.asarray(mask)).tolist()) <= tagged | {0}
    listed = (tmp_path / "out" / "ImageSets/Segmentation/train.txt").read_text().split()
    assert listed == sorted(IDS)


def test_every_stage_is_kept_and_scored_with_its_background_rule(result: Result, tmp_path: Path) -> None:
    stages = ["cam", "walk", "mean-affinity", "crf", "segnet", "segnet-crf", "refined"]
    assert {path.name for path in (tmp_path / "out" / "stages").iterdir()} >= set(stages)
    for stage in stages:
        assert load_mask(tmp_path / "out" / "stages" / stage / "two.png").shape == (40, 60)
        assert 0 <= result.scores[stage].miou <= 1
    assert result.scores["cam"].background_rule.startswith("constant")
    assert "max CAM" in result.scores["walk"].background_rule
    assert result.scores["final"].miou == result.scores["refined"].miou
    assert result.split == "train"


@pytest.mark.parametrize("segmentation", [False, True])
def test_without_refinement_the_masks_are_the_papers_own(
    segmentation: bool, voc_tree: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    settings = Settings(refine=False)
    result = _run(voc_tree, out, settings=settings, segmentation=segmentation, stages=False)
    assert "refined" not in result.scores
    last = "segnet-crf" if segmentation else "crf"
    assert result.scores["final"].miou == result.scores[last].miou
    assert result.settings["settings"]["refine"] is False
    for image_id in IDS:
        final = load_mask(out / "SegmentationClass" / f"{image_id}.png")
        assert (final == load_mask(out / "run" / last / f"{image_id}.png")).all()


def test_the_stroke_network_makes_the_final_masks_of_the_last_stage(result: Result, tmp_path: Path) -> None:
    model, out = StrokeModel.bundled(), tmp_path / "out"
    for image_id in IDS:
        photo = model.embed(load_image(tmp_path / "tree/JPEGImages" / f"{image_id}.jpg"))
        classes = [id_ for id_ in (8, 12, 15) if id_ in IDS[image_id]]
        cams = np.load(out / "run/cam" / f"{image_id}.npy").astype(np.float32)
        hint = load_mask(out / "stages/segnet" / f"{image_id}.png")
        mask = model.propose(photo, with_tagged_classes(hint, cams, classes))
        refined = load_mask(out / "stages/refined" / f"{image_id}.png")
        assert (refined == remove_small_regions(mask, Settings().smallest_part)).all()
        assert (load_mask(out / "SegmentationClass" / f"{image_id}.png") == refined).all()


def test_a_crf_that_nothing_is_made_of_is_not_computed(voc_tree: Path, tmp_path: Path) -> None:
    for segmentation in (False, True):
        out = tmp_path / f"segmentation-{segmentation}"
        result = _run(voc_tree, out, segmentation=segmentation, stages=False)
        assert ("crf" in result.scores) == segmentation  # the network learns from its outlines
        assert "segnet-crf" not in result.scores
        assert (out / "run/refined").is_dir() and not (out / "run/segnet-crf").exists()


@pytest.mark.parametrize("enough", [3, 4])
def test_by_itself_a_segmentation_network_makes_the_masks_of_many_photos_and_not_of_few(
    enough: int, voc_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.pipeline.options.SEGMENTATION_FROM", enough)
    unrefined = replace(Settings(), refine=False)
    result = _run(voc_tree, tmp_path / "out", segmentation=None, stages=False, settings=unrefined)
    assert "refined" not in result.scores
    many = len(IDS) >= enough
    assert ("segnet-crf" in result.scores) == many
    assert result.scores["final"].miou == result.scores["segnet-crf" if many else "crf"].miou
    assert (load_models(tmp_path / "out" / "models.safetensors").segmentation is not None) == many


def test_overview_and_record_lie_beside_the_masks(result: Result, tmp_path: Path) -> None:
    with Image.open(tmp_path / "out" / "overview.png") as picture:
        assert picture.width > 500
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["images"] == 3
    assert record["scores"]["final"]["split"] == "train"
    assert set(record["seconds"]) >= {"classifier", "cam", "walk"}
    assert set(record["loader_wait_share"]) == {"classifier", "AffinityNet", "segmentation network"}
    assert all(0 < share < 1 for share in record["loader_wait_share"].values())


def test_the_models_of_a_run_open_in_one_file(result: Result, tmp_path: Path) -> None:
    bundle = load_models(tmp_path / "out" / "models.safetensors")
    assert bundle.classifier is not None
    assert bundle.affinity is not None
    assert bundle.classes[7] == "cat"


def test_without_weights_a_run_begins_with_the_bundled_ones(result: Result, tmp_path: Path) -> None:
    bundle = load_models(tmp_path / "out" / "models.safetensors")
    assert bundle.classifier is not None
    assert bundle.classifier.backbone.name == "affinity_small"
    assert result.warnings == []


def test_a_rerun_only_makes_what_is_missing(result: Result, voc_tree: Path, tmp_path: Path) -> None:
    run = tmp_path / "out" / "run"
    made = [path for path in run.rglob("*") if path.is_file() and path.name not in RECORDS]
    kept = {path: path.stat().st_mtime_ns for path in made}
    lost = run / "cam" / "one.npy"
    before = np.load(lost)
    lost.unlink()
    again = _run(voc_tree, tmp_path / "out")
    np.testing.assert_array_equal(np.load(lost), before)
    changed = {path for path, time in kept.items() if path.stat().st_mtime_ns != time}
    assert changed == {lost}
    assert again.scores == result.scores


def test_a_rerun_may_use_another_number_of_workers(result: Result, voc_tree: Path, tmp_path: Path) -> None:
    models = (tmp_path / "out" / "models.safetensors").read_bytes()
    for network in (tmp_path / "out" / "run").glob("*.safetensors"):
        network.unlink()
    assert _run(voc_tree, tmp_path / "out", workers=1).scores == result.scores
    assert (tmp_path / "out" / "models.safetensors").read_bytes() == models


def test_a_run_cut_short_goes_on_in_its_folder_and_the_time_of_both_is_told(
    voc_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A clock by which whatever is measured takes one second.
    monkeypatch.setattr("trainer.pipeline.stage_timer.time", SimpleNamespace(monotonic=count().__next__))

    class CutShort(NullReporter):
        def stage(self, name: str, total: int, done: int = 0) -> AbstractContextManager[Stage]:
            if name == "seeds":
                raise KeyboardInterrupt
            return super().stage(name, total, done)

    with pytest.raises(KeyboardInterrupt):
        _run(voc_tree, tmp_path / "out", CutShort())
    assert not (tmp_path / "out" / "SegmentationClass").exists()
    result = _run(voc_tree, tmp_path / "out")
    assert result.images == len(IDS)
    told = json.loads((tmp_path / "out" / "run.json").read_text())["seconds"]
    assert told["classifier"] == told["AffinityNet"] == 1
    assert told["cam"] == told["seeds"] == 2


@pytest.mark.parametrize("where", ["walk", "segnet"])
def test_a_run_in_two_pieces_leaves_the_models_of_one_in_one_piece(
    where: str, result: Result, voc_tree: Path, tmp_path: Path
) -> None:
    class CutShort(NullReporter):
        def stage(self, name: str, total: int, done: int = 0) -> AbstractContextManager[Stage]:
            if name == where:
                raise KeyboardInterrupt
            return super().stage(name, total, done)

    with pytest.raises(KeyboardInterrupt):
        _run(voc_tree, tmp_path / "pieces", CutShort())
    _run(voc_tree, tmp_path / "pieces")
    one, two = (tmp_path / name / "models.safetensors" for name in ("out", "pieces"))
    assert two.read_bytes() == one.read_bytes()


class Witness(NullReporter):
    """Notes for every training how many batches were done before; `deadly` is sent after two of a new one."""

    def __init__(self, deadly: signal.Signals | None = None) -> None:
        self.deadly = deadly
        self.before: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> Iterator[Stage]:
        with super().stage(name, total, done) as silent:
            if name not in ("classifier", "AffinityNet", "segmentation network"):
                yield silent
                return
            self.before[name] = done
            yield silent if done or self.deadly is None else _TwoAtMost(self.deadly)


class _TwoAtMost:
    def __init__(self, deadly: signal.Signals) -> None:
        self.deadly, self.left = deadly, 2

    def advance(self, n: int = 1, note: str = "") -> None:
        self.left -= n
        if not self.left:
            signal.raise_signal(self.deadly)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl+C as at a terminal: a shell starts its background jobs, and so their tests, deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_a_training_cut_short_goes_on_and_ends_with_the_same_network(
    result: Result, voc_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.learn.checkpoint.EVERY", 0.0)
    reporters = [Witness(signal.SIGINT) for _ in range(4)]
    for reporter in reporters[:3]:
        with pytest.raises(KeyboardInterrupt):
            _run(voc_tree, tmp_path / "broken", reporter)
    _run(voc_tree, tmp_path / "broken", reporters[3])
    assert [reporter.before for reporter in reporters] == [
        {"classifier": 0},
        {"classifier": 2, "AffinityNet": 0},
        {"AffinityNet": 2, "segmentation network": 0},
        {"segmentation network": 2},
    ]
    for name in ("classifier", "affinity", "segmentation"):
        broken, whole = (tmp_path / out / "run" / f"{name}.safetensors" for out in ("broken", "out"))
        assert broken.read_bytes() == whole.read_bytes()
    assert not list((tmp_path / "broken" / "run").glob("*.checkpoint"))


def test_other_settings_start_anew(result: Result, voc_tree: Path, tmp_path: Path) -> None:
    before = (tmp_path / "out" / "run" / "classifier.safetensors").stat().st_mtime_ns
    _run(voc_tree, tmp_path / "out", seed=1)
    assert (tmp_path / "out" / "run" / "classifier.safetensors").stat().st_mtime_ns != before


def test_a_forced_run_leaves_the_files_of_others_and_names_what_it_replaces(
    voc_tree: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "SegmentationClass").mkdir(parents=True)
    for name in ("SegmentationClass/mine.png", "SegmentationClass/one.png", "run.json"):
        (out / name).write_text("mine")
    result = _run(voc_tree, out, force=True)
    assert (out / "SegmentationClass/mine.png").read_text() == "mine"
    replaced = [warning for warning in result.warnings if "replaced" in warning]
    assert ["run.json" in replaced[0], "one.png" in replaced[1], len(replaced)] == [True, True, 2]


def test_a_stage_that_a_person_edited_is_only_replaced_by_force(
    result: Result, voc_tree: Path, tmp_path: Path
) -> None:
    edited = tmp_path / "out" / "stages" / "walk" / "one.png"
    made = edited.read_bytes()
    edited.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"walk.one\.png was made or changed by someone else"):
        _run(voc_tree, tmp_path / "out")
    assert edited.read_bytes() == b"mine"
    warnings = _run(voc_tree, tmp_path / "out", force=True).warnings
    assert edited.read_bytes() == made and any("walk/one.png" in warning for warning in warnings)


@pytest.mark.parametrize("place", ["", "out"])
def test_a_run_never_goes_among_the_photos(voc_tree: Path, place: str) -> None:
    (voc_tree / "JPEGImages" / "tags.csv").write_text("image,tags\none,cat\n")
    with pytest.raises(DataError, match="choose another folder"):
        _run(voc_tree / "JPEGImages", voc_tree / "JPEGImages" / place, force=True)
    assert not (voc_tree / "JPEGImages" / "run").exists()


def test_a_damaged_photo_is_named_and_the_rest_goes_on(voc_tree: Path, tmp_path: Path) -> None:
    photo = voc_tree / "JPEGImages" / "one.jpg"
    photo.write_bytes(photo.read_bytes()[:400])
    result = _run(voc_tree, tmp_path / "out")
    assert any("one.jpg" in warning for warning in result.warnings)
    assert not (tmp_path / "out" / "SegmentationClass" / "one.png").exists()
    assert (tmp_path / "out" / "SegmentationClass" / "two.png").exists()


def test_a_photo_that_nobody_has_tagged_teaches_nothing(voc_tree: Path, tmp_path: Path) -> None:
    """The run learns the very same networks as one in which the photo is not there at all."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("one", "two", "three"):
        shutil.copy(voc_tree / "JPEGImages" / f"{name}.jpg", photos)
    (photos / "tags.csv").write_text("image,tags\none,cat\ntwo,dog person\n")
    _run(photos, tmp_path / "with")
    assert not load_mask(tmp_path / "with" / "SegmentationClass" / "three.png").any()
    (photos / "three.jpg").unlink()
    _run(photos, tmp_path / "without")
    first, second = (load_models(tmp_path / name / "models.safetensors") for name in ("with", "without"))
    for part in ("classifier", "affinity", "segmentation"):
        for (name, one), other in zip(
            getattr(first, part).state_dict().items(),
            getattr(second, part).state_dict().values(),
            strict=True,
        ):
            assert torch.equal(one, other), name


def test_a_run_without_any_tag_is_refused_before_it_begins(voc_tree: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of the 4 images .* has tags; .*tags.csv"):
        _run(voc_tree / "JPEGImages", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _run_as_pair(tree: Path, out: Path, second: str = "None") -> subprocess.CompletedProcess[str]:
    """Do `_run` in two processes; `second` is the reporter of the one that does not lead."""
    script = out.with_suffix(".py")
    script.write_text(
        "import signal, sys; from pathlib import Path\n"
        f"sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[3])]!r}\n"
        "from test_run import Witness, _run\n"
        "from trainer.distributed import join_process_group\n"
        "from trainer.learn import checkpoint\n"
        "checkpoint.EVERY = 0.0\n"
        "with join_process_group() as group:\n"
        f"    report = None if group.is_main else {second}\n"
        f"    _run(Path({str(tree)!r}), Path({str(out)!r}), report, group)\n"
    )
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def _assert_same_masks(out: Path, other: Path) -> None:
    """What the networks lead to is the same; two processes add gradients in another order, so of the scores
    of the segmentation network, hardly trained here, some that are as good as equal win the other way.
    """
    for image_id in IDS:
        for folder, most in (
            ("stages/walk", 0),
            ("stages/crf", 0),
            ("stages/segnet-crf", 0),
            ("SegmentationClass", 0.005),
        ):
            mask, expected = (load_mask(o / folder / f"{image_id}.png") for o in (out, other))
            assert (mask != expected).mean() <= most, (folder, image_id)


@pytest.mark.slow
def test_two_processes_make_the_masks_of_one(result: Result, voc_tree: Path, tmp_path: Path) -> None:
    done = _run_as_pair(voc_tree, tmp_path / "pair")
    assert done.returncode == 0, done.stderr
    _assert_same_masks(tmp_path / "pair", tmp_path / "out")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a matter of POSIX systems")
def test_a_killed_process_ends_the_run_and_another_run_finishes_it(
    result: Result, voc_tree: Path, tmp_path: Path
) -> None:
    killed = _run_as_pair(voc_tree, tmp_path / "pair", "Witness(signal.SIGKILL)")
    assert killed.returncode != 0
    assert killed.stderr.count("has ended before its time") == 1, killed.stderr
    assert not (tmp_path / "pair" / "SegmentationClass").exists()
    rest = Witness()
    _run(voc_tree, tmp_path / "pair", rest)
    assert rest.before["classifier"] > 0
    _assert_same_masks(tmp_path / "pair", tmp_path / "out")


def test_a_given_classifier_keeps_its_own_settings_and_its_classes_are_matched_by_name(
    voc_tree: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    options = {"settings": Settings(cam_side=48, scales=(1.0, 0.5)), "stages": False, "segmentation": False}
    _run(voc_tree, first, **options)
    told = load_models(first / "models.safetensors").info
    assert told["cam_side"] == 48 and told["scales"] == [1.0, 0.5] and {"alpha", "seed_alpha"} <= set(told)
    source = open_source(voc_tree)
    items = [replace(item, truth_path=None) for item in source.items]  # their labels are of another list
    source = replace(source, items=items, classes=ClassList(("person", "comb", "dog", "cat")))
    given = Options(
        classifier=first / "models.safetensors", affinity_recipe=QUICK, least_steps=1, segmentation=False
    )
    result = run_pipeline(source, tmp_path / "second", given)
    used = result.settings["settings"]
    assert used["cam_side"] == 48 and used["scales"] == (1.0, 0.5)
    assert any("has not learnt comb" in warning for warning in result.warnings)
    cams = [np.load(out / "run/cam/one.npy") for out in (first, tmp_path / "second")]
    np.testing.assert_allclose(*cams, atol=0.01)


def test_without_training_the_masks_are_those_of_the_given_models(voc_tree: Path, tmp_path: Path) -> None:
    first, out = tmp_path / "first", tmp_path / "second"
    _run(voc_tree, first)
    models = first / "models.safetensors"
    told = load_models(models).info
    given = Options(classifier=models, training=False)
    result = run_pipeline(open_source(voc_tree), out, given)
    assert not {"classifier", "AffinityNet", "segmentation network"} & set(result.seconds)
    assert result.settings["settings"]["alpha"] == pytest.approx(told["alpha"])
    engine = Engine.from_bundle(load_models(models))
    for image_id, tags in IDS.items():
        photo = load_image(voc_tree / "JPEGImages" / f"{image_id}.jpg")
        proposed = engine.propose(photo, tags).mask
        assert (load_mask(out / "SegmentationClass" / f"{image_id}.png") == proposed).mean() > 0.9
    propagated = replace(given, segmentation=False)
    run_pipeline(open_source(voc_tree), tmp_path / "third", propagated)
    assert not (tmp_path / "third/run/segnet").exists()


def test_a_class_that_only_the_classifier_has_learnt_is_propagated(voc_tree: Path, tmp_path: Path) -> None:
    first, out = tmp_path / "first", tmp_path / "second"
    _run(voc_tree, first)
    bundle = load_models(first / "models.safetensors")
    assert bundle.segmentation is not None
    torch.nn.init.normal_(bundle.segmentation.classify.weight)  # all are learnt
    forget(bundle.segmentation.classify, [12])  # but dog, which "two" shows
    save_models(tmp_path / "models.safetensors", bundle)
    given = Options(classifier=tmp_path / "models.safetensors", training=False, stages=True)
    run_pipeline(open_source(voc_tree), out, given)
    stages = out / "stages"
    assert (load_mask(stages / "segnet-crf/two.png") == load_mask(stages / "crf/two.png")).all()
    photo = load_image(voc_tree / "JPEGImages/two.jpg")
    assert Engine.from_bundle(bundle).propose(photo, ("dog", "person")).source == "walk"
    assert Engine.from_bundle(bundle).propose(photo, ("person",)).source == "segmentation"


def test_a_classifier_of_none_of_the_classes_is_refused(voc_tree: Path, tmp_path: Path) -> None:
    source = replace(open_source(voc_tree), classes=ClassList(("comb", "moon")))
    with pytest.raises(UserError, match=r"no classifier of any of this data's 2 classes"):
        items = [replace(source.items[0], tags=("comb",))]
        run_pipeline(replace(source, items=items), tmp_path / "out", Options(classifier=BUNDLED))


def test_true_masks_that_are_none_cost_neither_the_run_nor_the_other_scores(
    voc_tree: Path, tmp_path: Path
) -> None:
    masks = voc_tree / "SegmentationClass"
    with Image.open(masks / "one.png") as mask:
        mask.rotate(90, expand=True).save(masks / "one.png")
    (masks / "three.png").write_bytes((masks / "three.png").read_bytes()[:60])
    told = Messages()
    result = _run(voc_tree, tmp_path / "out", told, stages=False, segmentation=False)
    assert (tmp_path / "out/SegmentationClass/one.png").is_file()
    assert {name for name, iou in result.scores["final"].iou.items() if iou is not None} == {
        "background",
        "dog",
        "person",
    }
    for name in ("one.png is 40×60 but its photo one.jpg is 60×40", "three.png cannot be read"):
        assert any(name in warning for warning in result.warnings)
    before = told.lines[: told.lines.index("classifier")]
    assert sum("not scored" in line for line in before) == 2


class Messages(NullReporter):
    """Keeps what is said, and the names of the stages."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, name: str, total: int, done: int = 0) -> AbstractContextManager[Stage]:
        self.lines.append(name)
        return super().stage(name, total, done)

    def message(self, text: str) -> None:
        self.lines.append(text)


def _kept(out: Path) -> dict[Path, int]:
    """When each file of a run's folder was written, those that every start writes to left out."""
    files = [path for path in (out / "run").rglob("*") if path.is_file() and path.name not in RECORDS]
    return {path.relative_to(out): path.stat().st_mtime_ns for path in files}


def test_another_photo_of_the_same_name_gives_a_new_mask(
    result: Result, voc_tree: Path, tmp_path: Path
) -> None:
    photo = voc_tree / "JPEGImages/two.jpg"
    with Image.open(photo) as image:
        flipped = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    flipped.save(photo, quality=95)
    _run(voc_tree, tmp_path / "out")
    _run(voc_tree, tmp_path / "fresh")
    masks = [load_mask(tmp_path / name / "SegmentationClass/two.png") for name in ("out", "fresh")]
    np.testing.assert_array_equal(*masks)
    cams = [np.load(tmp_path / name / "run/cam/two.npy") for name in ("out", "fresh")]
    np.testing.assert_array_equal(*cams)


def test_a_data_folder_that_was_moved_resumes(result: Result, voc_tree: Path, tmp_path: Path) -> None:
    before = _kept(tmp_path / "out")
    moved = voc_tree.rename(tmp_path / "elsewhere")
    assert _run(moved, tmp_path / "out").scores == result.scores
    assert _kept(tmp_path / "out") == before


@pytest.mark.parametrize("role", ["weights", "classifier"])
def test_other_weights_in_the_same_file_start_again_and_a_renamed_file_does_not(
    role: str, result: Result, voc_tree: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    shutil.copy(tmp_path / "out/models.safetensors", first)
    out = tmp_path / "again"
    _run(voc_tree, out, **{role: first})
    before = _kept(out)
    _run(voc_tree, out, **{role: first.rename(second)})
    assert _kept(out) == before
    bundle = load_models(second)
    assert bundle.classifier is not None
    with torch.no_grad():
        bundle.classifier.backbone.get_parameter(next(iter(bundle.classifier.backbone.state_dict()))).mul_(
            0.5
        )
    save_models(second, bundle)
    _run(voc_tree, out, **{role: second})
    assert _kept(out)[Path("run/cam/one.npy")] != before[Path("run/cam/one.npy")]


def test_what_is_written_of_a_run_names_no_folder_of_this_machine(voc_tree: Path, tmp_path: Path) -> None:
    damaged = voc_tree / "JPEGImages/three.jpg"
    damaged.write_bytes(damaged.read_bytes()[:500])
    shutil.copy(BUNDLED, tmp_path / "mine.safetensors")
    result = _run(voc_tree, tmp_path / "out", weights=tmp_path / "mine.safetensors")
    assert str(damaged) in result.warnings[0]
    record = (tmp_path / "out/run.json").read_text()
    assert "three.jpg" in record and "mine.safetensors" in record
    for text in (record, (tmp_path / "out/run/key.json").read_text()):
        assert str(tmp_path) not in text and str(BUNDLED.parent) not in text


def test_where_the_search_for_alpha_ended_is_told(result: Result, voc_tree: Path, tmp_path: Path) -> None:
    told = json.loads((tmp_path / "out/run.json").read_text())["alphas"]
    assert told["walk alpha"]["alpha"] == result.settings["settings"]["alpha"]
    everything = _run(voc_tree, tmp_path / "all", coverage=1.01)  # more than there is
    assert everything.alphas["walk alpha"] == AlphaFound(LARGEST, "largest")
    assert "walk alpha ended at its largest value, 32" in " ".join(everything.warnings)
