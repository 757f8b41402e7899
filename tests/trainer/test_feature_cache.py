"""The feature cache: computed once, bounded, keyed by content."""

import numpy as np
import torch
from torch import nn

from trainer.feature_cache import FeatureCache, content_hash, weights_version


def test_a_value_is_computed_once_and_the_least_recently_used_falls_out() -> None:
    cache = FeatureCache(max_bytes=3 * 4 * 100)
    computed: list[str] = []

    def value(key: str) -> torch.Tensor:
        def compute() -> torch.Tensor:
            computed.append(key)
            return torch.zeros(100)

        return cache.get(key, compute)

    for key in ("a", "b", "c", "a", "d", "a", "b"):
        value(key)
    assert computed == ["a", "b", "c", "d", "b"]
    assert cache.bytes <= cache.max_bytes


def test_a_value_larger_than_the_cache_is_handed_out_and_pushes_nothing_out() -> None:
    cache = FeatureCache(max_bytes=1000)
    cache.get("small", lambda: np.zeros(100, np.uint8))
    assert cache.get("large", lambda: (torch.zeros(1000),))[0].shape == (1000,)
    assert len(cache) == 1


def test_keys_follow_pixels_and_weights(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (5, 6, 3), np.uint8)
    other = image.copy()
    other[2, 3, 1] ^= 1
    assert content_hash(image) == content_hash(np.asfortranarray(image)) != content_hash(other)
    assert content_hash(image) != content_hash(image.reshape(6, 5, 3))
    net, copy = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
    copy.load_state_dict(net.state_dict())
    assert weights_version(net) == weights_version(copy)
    with torch.no_grad():
        copy.bias[0] += 1
    assert weights_version(net) != weights_version(copy)
