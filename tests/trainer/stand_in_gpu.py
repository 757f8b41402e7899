"""A GPU that is none, for machines without one.

Its tensors say that they are on `GPU` and are no others' equals: an operation on tensors of two devices fails
as on a real one, and what is there has to be fetched before NumPy sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

GPU = "lazy"
"""A name that torch knows and has no device for."""


MAKERS = {"tensor": torch.tensor, "as_tensor": torch.as_tensor}
"""Functions whose way to a device a dispatch mode does not see."""


EITHER = ("copy_", "index", "index_put", "index_put_")
"""Operations that take tensors of both devices."""


class OnGpu(Tensor):
    """A tensor on the GPU; `held` has its numbers."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> OnGpu:
        made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(GPU, 0),
        )
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    # What torch does in these without telling the mode of it.

    def tolist(self) -> Any:
        return self.held.tolist()

    def __getitem__(self, key: Any) -> Tensor:
        return super().__getitem__(_plain(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_plain(key), value)

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _compute(function, args, kwargs or {})


class StandInGpu(TorchDispatchMode):
    """Within it there is a GPU, until it has an `error`: then whatever is asked of it raises that."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None

    def __enter__(self) -> StandInGpu:
        for name, make in MAKERS.items():
            setattr(torch, name, partial(_made, make))
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for name, make in MAKERS.items():
            setattr(torch, name, make)

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.error is not None and (_leaves((args, kwargs), OnGpu) or GPU in _devices(args, kwargs)):
            raise self.error
        return _compute(function, args, kwargs)


def _plain(key: Any) -> Any:
    """Return an index without lists."""
    if isinstance(key, tuple):
        return tuple(map(_plain, key))
    return torch.tensor(key, dtype=torch.long) if isinstance(key, list) else key


def _made(make: Callable[..., Tensor], data: Any, device: Any = None, **options: Any) -> Tensor:
    made = make(data, **options)
    return made if device is None else made.to(device)


def _compute(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Carry out an operation where its tensors are, or where it says."""
    given = _leaves((args, kwargs), Tensor)
    there = [tensor for tensor in given if isinstance(tensor, OnGpu)]
    wanted = _devices(args, kwargs)
    name = function.overloadpacket.__name__
    if (
        there
        and not wanted
        and name not in EITHER
        and any(tensor.dim() > 0 for tensor in given if not isinstance(tensor, OnGpu))
    ):
        raise RuntimeError(f"{name}: tensors are on the GPU and on the CPU")
    on_gpu = GPU in wanted if wanted else bool(there)
    if name == "copy_":
        on_gpu = isinstance(args[0], OnGpu)
    held_args, held_kwargs = tree_map(_held, (tuple(args), dict(kwargs)))
    result = function(*held_args, **held_kwargs)
    wrapped = {id(tensor.held): tensor for tensor in there}

    def wrap(value: Any) -> Any:
        if not isinstance(value, Tensor) or not on_gpu:
            return value
        return wrapped[id(value)] if id(value) in wrapped else OnGpu(value)

    return tree_map(wrap, result)


def _held(value: Any) -> Any:
    if isinstance(value, torch.device):
        return torch.device("cpu")
    return value.held if isinstance(value, OnGpu) else value


def _devices(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    """Return the types of the devices that arguments name."""
    return [device.type for device in _leaves((args, kwargs), torch.device)]


def _leaves(tree: Any, kind: type) -> list[Any]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, kind)]
