"""Weights files of other programs, and what is said about those that cannot be used."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from trainer.errors import WeightsError
from trainer.models.backbones import build_backbone
from trainer.models.base import HALF, IMAGENET
from trainer.models.state import load_module, read_tensors, save_module
from trainer.models.weights import load_backbone_weights, recognise, save_backbone, to_backbone_names

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def mobilenet() -> State:
    torch.manual_seed(1)
    return build_backbone("mobilenet_v2").state_dict()


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def same(state: State, other: State) -> bool:
    return all(torch.equal(value, other[key]) for key, value in state.items())


def test_a_torchvision_file_loads_frozen_with_its_convention(tmp_path: Path, mobilenet: State) -> None:
    mobilenet = {**mobilenet, "features.0.1.running_var": torch.full((32,), 2.0)}
    file = saved(tmp_path / "a.pth", {**mobilenet, "classifier.1.weight": torch.zeros(1000, 1280)})
    backbone = load_backbone_weights(file, 8)
    assert (backbone.name, backbone.output_stride, backbone.convention) == ("mobilenet_v2", 8, IMAGENET)
    assert same(mobilenet, backbone.state_dict())
    assert not backbone.training
    assert not backbone.features[0][1].weight.requires_grad


@pytest.mark.parametrize("wrapping", ["state_dict", "model"])
def test_wrappings_and_the_prefix_of_parallel_training_come_off(
    tmp_path: Path, mobilenet: State, wrapping: str
) -> None:
    inner = {f"module.{key}": value for key, value in mobilenet.items()}
    file = saved(tmp_path / "a.pth", {"epoch": 3, wrapping: inner})
    assert same(mobilenet, load_backbone_weights(file).state_dict())


def test_half_precision_safetensors_say_how_they_want_their_input(tmp_path: Path, mobilenet: State) -> None:
    tensors = {key: value.half() for key, value in mobilenet.items() if value.is_floating_point()}
    save_file(tensors, tmp_path / "a.safetensors", {"input": "RGB, x/127.5-1"})
    backbone = load_backbone_weights(tmp_path / "a.safetensors")
    assert backbone.convention == HALF
    assert next(backbone.parameters()).dtype == torch.float32
    assert load_backbone_weights(tmp_path / "a.safetensors", convention=IMAGENET).convention == IMAGENET


def test_a_backbone_of_ours_comes_back_with_its_convention(tmp_path: Path) -> None:
    backbone = build_backbone("affinity_small")
    backbone.convention = HALF
    save_backbone(tmp_path / "own.safetensors", backbone, {"recipe": "none"}, half=True)
    loaded = load_backbone_weights(tmp_path / "own.safetensors")
    assert (loaded.name, loaded.convention) == ("affinity_small", HALF)
    assert read_tensors(tmp_path / "own.safetensors")[1]["recipe"] == "none"


def test_checkpoints_of_psa_are_recognised() -> None:
    with torch.device("meta"):
        state = build_backbone("resnet38", 8).state_dict()
        state["fc8.weight"] = torch.zeros(20, 4096, 1, 1)
    assert recognise(to_backbone_names(state), Path("res38_cls.pth")) == "resnet38"


def test_checkpoints_of_irn_are_recognised() -> None:
    with torch.device("meta"):
        own = build_backbone("resnet50").state_dict()
        state = {f"resnet50.{key}": value for key, value in own.items()}
        state |= {f"stage1.{index}.weight": torch.zeros(64) for index in range(2)}
        state["classifier.weight"] = torch.zeros(20, 2048, 1, 1)
    names = to_backbone_names(state)
    assert recognise(names, Path("res50_cam.pth")) == "resnet50"
    assert set(own) == set(names)


def test_a_deeper_sister_is_not_taken_for_the_network(tmp_path: Path) -> None:
    state = build_backbone("resnet18").state_dict()
    state["layer1.2.conv1.weight"] = torch.zeros(64, 64, 3, 3)
    with pytest.raises(WeightsError, match=r"looks like resnet18 .*layer1\.2\.conv1\.weight has no place"):
        load_backbone_weights(saved(tmp_path / "resnet34.pth", state))


def test_the_first_difference_is_named(tmp_path: Path, mobilenet: State) -> None:
    missing = {key: value for key, value in mobilenet.items() if key != "features.18.0.weight"}
    with pytest.raises(
        WeightsError, match=r"a\.pth looks like mobilenet_v2 .*features\.18\.0\.weight is missing"
    ):
        load_backbone_weights(saved(tmp_path / "a.pth", missing))
    narrow = {**mobilenet, "features.0.0.weight": torch.zeros(16, 3, 3, 3)}
    with pytest.raises(WeightsError, match=r"shape \(16, 3, 3, 3\) instead of \(32, 3, 3, 3\)"):
        load_backbone_weights(saved(tmp_path / "a.pth", narrow))
    with pytest.raises(WeightsError, match="none of the known networks"):
        load_backbone_weights(saved(tmp_path / "a.pth", {"encoder.weight": torch.zeros(2)}))


def test_a_cut_off_file_is_named(tmp_path: Path, mobilenet: State) -> None:
    save_file(dict(mobilenet), tmp_path / "a.safetensors")
    for file in (tmp_path / "a.safetensors", saved(tmp_path / "a.pth", mobilenet)):
        file.write_bytes(file.read_bytes()[:100_000])
        with pytest.raises(WeightsError, match=rf"{file.name} is damaged or cut off"):
            load_backbone_weights(file)
        file.write_bytes(b"")
        with pytest.raises(WeightsError, match=rf"{file.name} is empty"):
            load_backbone_weights(file)


def test_a_web_page_is_not_weights(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    with pytest.raises(WeightsError, match=r"a\.pth is a text or web page"):
        load_backbone_weights(tmp_path / "a.pth")


class Touch:
    """Runs code when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"w": Touch(tmp_path / "ran")}, 2))
    with pytest.raises(WeightsError, match=r"a\.pth"):
        load_backbone_weights(tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="could run code"):
        load_backbone_weights(saved(tmp_path / "b.pth", {"w": Touch(tmp_path / "ran")}))
    assert not (tmp_path / "ran").exists()


def test_absent_files_and_unknown_names_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot read .*nowhere\.pth"):
        load_backbone_weights(tmp_path / "nowhere.pth")
    with pytest.raises(WeightsError, match=r"resnet99 is neither .*resnet50"):
        load_backbone_weights("resnet99")


def test_a_module_is_filled_only_from_its_own_kind(tmp_path: Path) -> None:
    first, second = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    save_module(tmp_path / "m.safetensors", first, {"kind": "line"})
    assert load_module(tmp_path / "m.safetensors", second) == {"kind": "line"}
    assert torch.equal(first.weight, second.weight)
    with pytest.raises(WeightsError, match=r"m\.safetensors is for another network"):
        load_module(tmp_path / "m.safetensors", torch.nn.Linear(4, 2))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("photo", "classes"), [("chelsea", {281, 282, 285}), ("coffee", {967}), ("rocket", {657})]
)
@torch.inference_mode()
def test_a_real_file_names_real_photos(shared: Path, photo: str, classes: set[int]) -> None:
    file = shared / "weights" / "mobilenet_v2_imagenet.safetensors"
    tensors, _ = read_tensors(file)
    image = np.asarray(Image.fromarray(getattr(data, photo)()).resize((224, 224)))
    for output_stride in (32, 16, 8):
        backbone = load_backbone_weights(file, output_stride)
        pooled = backbone.deepest(backbone.convention.normalise(image)).mean((2, 3))
        logits = pooled @ tensors["classifier.1.weight"].float().T + tensors["classifier.1.bias"]
        assert int(logits.argmax()) in classes
