"""Loading in worker processes: the same photos, the same errors, and nothing left behind."""

import multiprocessing
import os
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from trainer.data.views import Views
from trainer.errors import DataError, UserError
from trainer.learn import loader as loading
from trainer.learn.affinity import affinity_steps
from trainer.learn.augment import Augmentation, WholePhoto
from trainer.learn.classifier import classifier_steps
from trainer.learn.loader import Draw, Loader, Sample, Samples, default_workers
from trainer.learn.loop import Recipe
from trainer.learn.segmentation import segmentation_steps
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet

CROPS = Augmentation(long_side=(32, 48), crop=32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five photos."""
    rng = np.random.default_rng(0)
    for index in range(5):
        Image.fromarray(rng.integers(0, 256, (40, 50 + index, 3), np.uint8)).save(tmp_path / f"{index}.png")
    return tmp_path


def views(folder: Path) -> Views:
    return Views(sorted(folder.glob("*.png")), 64)


def draws(*indices: int) -> list[Draw]:
    return [Draw(index, np.random.default_rng(index)) for index in indices]


def masks() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 3, (5, 10), np.uint8).repeat(8, 0).repeat(8, 1)[:, : 50 + i] for i in range(5)]


@pytest.mark.parametrize("subject", ["classifier", "AffinityNet", "segmentation network"])
def test_the_number_of_workers_does_not_change_what_is_learnt(subject: str, folder: Path) -> None:
    def weights(workers: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        backbone = build_backbone("affinity_small")
        recipe = Recipe(epochs=2, batch=2, views=CROPS)
        if subject == "classifier":
            classifier = CamClassifier(backbone, 2)
            list(
                classifier_steps(
                    classifier, views(folder), [[1], [2], [], [1, 2], [1]], recipe, workers=workers
                )
            )
            return classifier.state_dict()
        if subject == "AffinityNet":
            net = AffinityNet(backbone.requires_grad_(False))
            list(affinity_steps(net, views(folder), masks(), recipe, workers=workers))
            return net.state_dict()
        segmenter = SegmentationNet(backbone.requires_grad_(False), 2, width=32)
        whole = Recipe(epochs=2, batch=2, views=WholePhoto())
        list(segmentation_steps(segmenter, views(folder), masks(), whole, workers=workers))
        return segmenter.state_dict()

    expected = weights(0)
    for workers in (1, 2):
        for name, tensor in weights(workers).items():
            assert torch.equal(tensor, expected[name]), f"{name} with {workers} workers"


@pytest.mark.parametrize("threads", [1, 2])
def test_a_view_is_the_same_in_every_process_whatever_its_threads(threads: int, folder: Path) -> None:
    def load(workers: int) -> Sample:
        with Loader(Samples(views(folder), WholePhoto((8, 8))), [draws(3)], workers) as loader:
            (sample,) = next(loader)
        return sample

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        here, there = load(0), load(1)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(here.pixels, there.pixels)
    assert here.draw.rng.random() == there.draw.rng.random()  # what is drawn next: dropout


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_photo_is_named_in_one_line(workers: int, folder: Path) -> None:
    (folder / "3.png").write_bytes(b"damaged")
    with Loader(Samples(views(folder), CROPS), [draws(0, 1), draws(2, 3)], workers) as loader:
        assert [sample.draw.index for sample in next(loader)] == [0, 1]
        with pytest.raises(DataError, match=r"3\.png") as caught:
            next(loader)
    assert "\n" not in str(caught.value)
    assert not multiprocessing.active_children()


class Ending(Sequence[np.ndarray]):
    """Photos whose reading ends the process, as a system without memory does."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> np.ndarray:
        os._exit(9)


def test_a_worker_that_the_system_ends_is_told_with_the_way_out() -> None:
    with (
        Loader(Samples(Ending(), CROPS), [draws(0)], 1) as loader,
        pytest.raises(UserError, match="--workers 0"),
    ):
        next(loader)


def test_a_training_that_is_left_off_leaves_no_process_behind(folder: Path) -> None:
    classifier = CamClassifier(build_backbone("affinity_small"), 1)
    recipe = Recipe(epochs=9, batch=2, views=CROPS)
    under_way = classifier_steps(classifier, views(folder), [[1]] * 5, recipe, workers=2)
    next(under_way)
    assert len(multiprocessing.active_children()) == 2
    under_way.close()
    assert not multiprocessing.active_children()


def test_photos_do_not_travel_to_other_processes(folder: Path) -> None:
    photos = views(folder)
    empty = len(pickle.dumps(photos))
    assert photos[2].nbytes > 5000
    copy = pickle.loads(pickle.dumps(Samples(photos, CROPS, masks())))[draws(2)[0]]
    assert torch.equal(copy.pixels, Samples(photos, CROPS, masks())[draws(2)[0]].pixels)
    assert len(pickle.dumps(photos)) == empty


def test_the_time_spent_waiting_is_counted(folder: Path) -> None:
    loader = Loader(Samples(views(folder), CROPS), [draws(0), draws(1)], 0)
    next(loader)
    first = loader.waited
    next(loader)
    assert 0 < first < loader.waited
    with pytest.raises(StopIteration):
        next(loader)


@pytest.mark.skipif(sys.platform != "linux", reason="cores and shared memory are Linux's")
@pytest.mark.parametrize(
    ("device", "cores", "processes", "shared_memory", "expected"),
    [
        ("cpu", 2, 1, 2**34, 0),
        ("cpu", 16, 1, 2**34, 2),
        ("cpu", 16, 4, 2**34, 0),
        ("cuda", 2, 1, 2**34, 1),
        ("cuda", 16, 1, 2**34, 4),
        ("cuda", 16, 8, 2**34, 1),
        ("cuda", 16, 1, 2**26, 0),  # a container's usual share
    ],
)
def test_workers_fit_the_machine(
    device: str,
    cores: int,
    processes: int,
    shared_memory: int,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(loading.shutil, "disk_usage", lambda _: SimpleNamespace(free=shared_memory))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    assert default_workers(torch.device(device)) == expected
