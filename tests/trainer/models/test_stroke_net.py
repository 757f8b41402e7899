"""The stroke network's file and its two halves: once a photo, once a change of the strokes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from trainer.errors import WeightsError
from trainer.models.backbones import build_backbone
from trainer.models.registry import BUNDLED, BUNDLED_STROKES
from trainer.models.state import read_tensors
from trainer.models.stroke_net import (
    FULL,
    Parts,
    StrokeNet,
    load_stroke_net,
    new_stroke_net,
    save_stroke_net,
)

PLAIN = Parts()


@pytest.fixture
def plain() -> StrokeNet:
    """A network without any of the further parts, untrained."""
    torch.manual_seed(0)
    return new_stroke_net(build_backbone("affinity_small", 16), PLAIN).eval()


def answer(net: StrokeNet, size: tuple[int, int] = (64, 96), views: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    cells = size[0] // 4, size[1] // 4
    with torch.inference_mode():
        embedded = net.embed(torch.randn(1, 3, *size, generator=generator))
        strokes = torch.rand(views, 8, *cells, generator=generator)
        return net.answer(embedded, strokes, torch.rand(views, 1, *cells, generator=generator))


def test_what_is_saved_is_what_is_loaded_to_half_precision(plain: StrokeNet, tmp_path: Path) -> None:
    file = tmp_path / "strokes.safetensors"
    save_stroke_net(file, plain)
    loaded = load_stroke_net(file)
    assert loaded.parts == PLAIN and not loaded.training
    assert loaded.backbone.convention == plain.backbone.convention
    torch.testing.assert_close(answer(loaded), answer(plain), atol=0.05, rtol=0.05)
    state = plain.state_dict()
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=1e-3, atol=1e-6)


def test_a_plain_network_grows_parts_that_change_nothing_at_first(plain: StrokeNet, tmp_path: Path) -> None:
    file = tmp_path / "strokes.safetensors"
    save_stroke_net(file, plain)
    grown = load_stroke_net(file, FULL)
    assert grown.parts == FULL and grown.fine_stride == 2
    finer = torch.nn.functional.interpolate(answer(load_stroke_net(file)), (32, 48), mode="bilinear")
    torch.testing.assert_close(answer(grown), finer, atol=1e-4, rtol=1e-4)


def test_the_network_that_ships_is_complete_small_and_answers_on_a_grid_of_two_pixels() -> None:
    net = load_stroke_net(BUNDLED_STROKES)
    assert net.parts == FULL
    assert answer(net).shape == (2, 1, 32, 48)
    assert BUNDLED_STROKES.stat().st_size <= 8_000_000
    assert BUNDLED_STROKES.with_suffix(".md").is_file()


def test_the_given_weights_load_by_the_names_of_their_parameters(shared: Path) -> None:
    file = shared / "weights/strokes/stroke_net.safetensors"
    if not file.is_file():
        pytest.skip("needs the stroke network in ../shared, which is absent")
    net = load_stroke_net(file)
    state, (stored, _) = net.state_dict(), read_tensors(file)
    assert net.parts == PLAIN and net.fine_stride == 4
    for name in state:
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(state[name], stored[name].to(state[name].dtype))


def test_other_files_are_refused_by_their_name(plain: StrokeNet, tmp_path: Path) -> None:
    damaged, cut = tmp_path / "damaged.safetensors", tmp_path / "cut.safetensors"
    damaged.write_bytes(b"no network")
    del plain.decoder.b2
    save_stroke_net(cut, plain)
    for file in (tmp_path / "absent.safetensors", damaged, cut, BUNDLED):
        with pytest.raises(WeightsError, match=file.name):
            load_stroke_net(file)
