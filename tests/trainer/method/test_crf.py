"""The dense CRF against a brute-force one, and label by label against pydensecrf2 where it is installed."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import skimage.data
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from trainer.method.crf import CrfParams, DenseCRF

# Few grey levels and pixels, so that a dense kernel matrix of them fits and is not nearly diagonal.
SMALL = CrfParams(gaussian_sxy=2, bilateral_sxy=12, bilateral_srgb=30)


def photo(name: str, height: int = 150, width: int = 200) -> np.ndarray:
    image = getattr(skimage.data, name)()[..., :3]
    return np.rint(resize(image, (height, width), anti_aliasing=True) * 255).astype(np.uint8)


def cam_like(image: np.ndarray, classes: int, seed: int = 0) -> np.ndarray:
    """Blobs of noise as class scores, background first, as seed cues make them."""
    noise = np.random.default_rng(seed).standard_normal((classes - 1, *image.shape[:2]))
    blobs = gaussian_filter(noise, (0, *np.minimum(np.array(image.shape[:2]) / 8, 12)))
    blobs = np.maximum(blobs / blobs.max(axis=(1, 2), keepdims=True), 0)
    return np.concatenate([(1 - blobs.max(axis=0, keepdims=True)) ** 2, blobs]).astype(np.float32)


def brute_force(image: np.ndarray, scores: np.ndarray, params: CrfParams) -> np.ndarray:
    """Mean field with both kernels written out as matrices of all pairs of pixels."""
    height, width = image.shape[:2]
    place = np.indices((height, width)).reshape(2, -1).T.astype(np.float64)
    colour = image.reshape(-1, 3).astype(np.float64)

    def kernel(features: np.ndarray, weight: float) -> np.ndarray:
        distance = ((features[:, None] - features[None]) ** 2).sum(axis=2)
        gaussian = np.exp(-distance / 2)
        norm = 1 / np.sqrt(gaussian.sum(axis=1))
        return weight * norm[:, None] * gaussian * norm

    both = kernel(place / params.gaussian_sxy, params.gaussian_weight) + kernel(
        np.hstack([place / params.bilateral_sxy, colour / params.bilateral_srgb]), params.bilateral_weight
    )
    log_scores = np.log(np.maximum(scores.reshape(len(scores), -1), 1e-5))

    def softmax(logits: np.ndarray) -> np.ndarray:
        exponential = np.exp(logits - logits.max(axis=0))
        return exponential / exponential.sum(axis=0)

    posterior = softmax(log_scores)
    for _ in range(params.iterations):
        posterior = softmax(log_scores + posterior @ both)
    return posterior.reshape(scores.shape)


@pytest.mark.parametrize("classes", [2, 4])
def test_agrees_with_brute_force(classes: int) -> None:
    image = photo("chelsea", 30, 40)
    scores = cam_like(image, classes)
    expected = brute_force(image, scores, SMALL)
    posterior = DenseCRF(image, SMALL).infer(scores)
    assert (expected.argmax(0) != scores.argmax(0)).mean() > 0.03, "a test that moves nothing tests nothing"
    assert (posterior.argmax(0) == expected.argmax(0)).mean() >= 0.98
    assert np.abs(posterior - expected).mean() < 0.02


@pytest.mark.parametrize("name", ["chelsea", "astronaut", "coffee"])
def test_labels_equal_those_of_pydensecrf(name: str) -> None:
    reference = pytest.importorskip("pydensecrf.densecrf", reason="no pydensecrf2, so no comparison with it")
    image = photo(name)
    scores = cam_like(image, 3)
    height, width = image.shape[:2]
    opponent = reference.DenseCRF2D(width, height, len(scores))
    opponent.setUnaryEnergy(-np.log(np.maximum(scores, 1e-5)).reshape(len(scores), -1))
    opponent.addPairwiseGaussian(sxy=3, compat=3)
    opponent.addPairwiseBilateral(sxy=80, srgb=13, rgbim=image, compat=10)
    expected = np.array(opponent.inference(10)).reshape(scores.shape)
    posterior = DenseCRF(image).infer(scores)
    assert (posterior.argmax(0) == expected.argmax(0)).mean() >= 0.999
    assert np.abs(posterior - expected).mean() < 1e-3


def test_result_is_a_distribution_even_for_scores_of_nothing() -> None:
    image = photo("coffee", 40, 50)
    scores = cam_like(image, 3)
    scores[:, :10] = 0
    posterior = DenseCRF(image).infer(scores)
    assert posterior.dtype == np.float32
    assert posterior.shape == scores.shape
    np.testing.assert_allclose(posterior.sum(axis=0), 1, atol=1e-5)


def test_outline_snaps_to_the_edge_of_the_photo() -> None:
    image = np.full((60, 80, 3), 40, np.uint8)
    image[:, 40:] = 200
    object_score = np.zeros((60, 80), np.float32)
    object_score[:, 46:] = 0.9
    object_score = gaussian_filter(object_score, 4)
    posterior = DenseCRF(image).infer(np.stack([1 - object_score, object_score]))
    expected = np.broadcast_to(np.arange(80) >= 40, (60, 80))
    np.testing.assert_array_equal(posterior.argmax(0) == 1, expected)


def test_one_class_is_certain_and_no_iterations_only_normalise() -> None:
    image = photo("astronaut", 30, 40)
    crf = DenseCRF(image)
    scores = cam_like(image, 2)
    np.testing.assert_allclose(crf.infer(scores[:1]), 1)
    clipped = np.maximum(scores, 1e-5)
    np.testing.assert_allclose(crf.infer(scores, iterations=0), clipped / clipped.sum(axis=0), atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (7, 3)])
def test_smallest_images(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    scores = np.full((2, *size), [[[0.2]], [[0.8]]], np.float32)
    assert (DenseCRF(image).infer(scores).argmax(0) == 1).all()


def test_a_coarser_grid_keeps_the_labels_and_the_outline() -> None:
    image = photo("chelsea", 300, 400)
    scores = cam_like(image, 3)
    exact = DenseCRF(image).infer(scores)
    coarse = DenseCRF(image, max_pixels=300 * 400 // 6).infer(scores)
    assert coarse.shape == exact.shape
    np.testing.assert_allclose(coarse.sum(axis=0), 1, atol=1e-5)
    assert (coarse.argmax(0) == exact.argmax(0)).mean() >= 0.98


def test_colours_absent_from_the_coarser_grid_do_no_harm() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[::16, ::16] = 255
    scores = np.full((2, 64, 64), [[[0.3]], [[0.7]]], np.float32)
    assert (DenseCRF(image, max_pixels=64).infer(scores).argmax(0) == 1).all()


def test_one_object_serves_many_threads() -> None:
    image = photo("coffee", 90, 120)
    crf = DenseCRF(image)
    scores = [cam_like(image, classes, seed) for seed, classes in enumerate([2, 3, 5, 2, 4, 3])]
    alone = [crf.infer(each) for each in scores]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(crf.infer, scores))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_inputs_are_left_alone_and_may_be_read_only() -> None:
    image = photo("rocket", 40, 60)
    scores = cam_like(image, 2)
    image.flags.writeable = scores.flags.writeable = False
    before = scores.copy()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not writable.*")
        DenseCRF(image, max_pixels=600).infer(scores)
        DenseCRF(image).infer(scores)
    np.testing.assert_array_equal(scores, before)


def test_misfits_are_named() -> None:
    crf = DenseCRF(np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="do not fit"):
        crf.infer(np.ones((2, 5, 4), np.float32))
    with pytest.raises(ValueError, match="H×W×3"):
        DenseCRF(np.zeros((4, 5), np.uint8))
    with pytest.raises(ValueError, match="too narrow"):
        DenseCRF(np.zeros((4, 5, 3), np.uint8), CrfParams(bilateral_srgb=1e-4))
