"""Gaussian filtering of many values over few dimensions on the permutohedral lattice.

Adams, Baek & Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice", Eurographics 2010. Points of
``d`` features are *splatted* onto the vertices of the simplices that hold them, the vertices are *blurred* along the
``d + 1`` lattice directions, and the result is *sliced* back at the points. All three are sparse matrices here, made
once and applied as often as needed, so no compiled code of our own is required.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

# torch names its sparse products "beta" once per process; they are tested here against a dense reference.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")


def elevation(d: int) -> FloatArray:
    """Return the matrix (d + 1, d) that lays features onto the lattice's plane (Adams et al., p. 5).

    It is scaled so that blurring amounts to a Gaussian of unit standard deviation, and divided by ``d + 1``, so that
    the vertices of colour 0 have integer coordinates.
    """
    matrix = np.triu(np.ones((d + 1, d)))
    matrix[np.arange(1, d + 1), np.arange(d)] = -np.arange(1, d + 1)
    column = np.arange(1, d + 1)
    return (matrix * np.sqrt(2 / 3) / np.sqrt(column * (column + 1))).astype(np.float32)


@dataclass(frozen=True)
class Simplices:
    """The simplex around each of N points: its vertex of colour 0, the order of its axes, and the weights.

    ``base`` (d + 1, N) int32 is that vertex divided by ``d + 1``; ``axes`` (d + 1, N) int8 lists the axes from the
    nearest to the farthest coordinate; ``weights`` (d + 1, N) float32 are barycentric, by colour of the vertex.
    """

    base: npt.NDArray[np.int32]
    axes: npt.NDArray[np.int8]
    weights: FloatArray


def enclosing_simplices(features: FloatArray) -> Simplices:
    """Find the simplex around each point (Adams et al., p. 10); ``features`` is (d, N) float32."""
    d, n = features.shape
    position = elevation(d) @ features
    base = np.rint(position)
    rest = position - base

    # The rank of each coordinate among the rests, counted by comparing all pairs: quicker than sorting short rows.
    rank = np.zeros((d + 1, n), np.int8)
    for i in range(d):
        for j in range(i + 1, d + 1):
            behind = rest[i] < rest[j]
            rank[i] += behind
            rank[j] += ~behind

    # Rounding may have left the plane of zero sum: step back along the coordinates that were rounded most.
    rank += base.sum(axis=0).astype(np.int8)
    step = (rank < 0).astype(np.int8) - (rank > d).astype(np.int8)
    rank += (d + 1) * step
    base += step
    rest -= step

    axes = np.empty((d + 1, n), np.int8)
    np.put_along_axis(axes, rank, np.arange(d + 1, dtype=np.int8)[:, None], axis=0)
    descending = np.empty_like(rest)
    np.put_along_axis(descending, rank, rest, axis=0)
    weights = np.empty_like(rest)
    weights[0] = 1 + descending[d] - descending[0]
    weights[1:] = (descending[:-1] - descending[1:])[::-1]
    return Simplices(base.astype(np.int32), axes, weights)


class PermutohedralKernel:
    """A Gaussian kernel between N points, normalised symmetrically: ``weight · D^-½ G D^-½`` with ``D = diag(G·1)``.

    It never changes once made, so threads may share it. Memory: ``16 (d + 1)`` bytes a point.
    """

    def __init__(self, features: FloatArray, weight: float) -> None:
        """Build the lattice; ``features`` (d, N) are in units of the Gaussian's standard deviation."""
        d, n = features.shape
        simplices = enclosing_simplices(features)
        vertices, keys, strides = _vertices(simplices)
        corners = scipy.sparse.csr_matrix(
            (
                np.ascontiguousarray(simplices.weights.T).ravel(),
                vertices.ravel(),
                np.arange(0, (d + 1) * n + 1, d + 1, dtype=np.int32),
            ),
            shape=(n, len(keys)),
        )
        self._blur = [_to_torch(matrix) for matrix in _blur_matrices(keys, strides)]
        # The blur of 1 + ½ + ½ in each direction adds this factor to the peak (Kraehenbuehl & Koltun's code).
        gain = 1 / (1 + 2.0**-d)
        blurred = self._blurred(torch.from_numpy(corners.T @ np.ones((n, 1), np.float32)))
        mass = gain * (corners @ blurred.numpy())
        corners.data *= np.repeat(np.sqrt(weight * gain / np.maximum(mass, 1e-20)), d + 1)
        self._slice = _to_torch(corners)
        self._splat = _to_torch(corners.T.tocsr())

    def __matmul__(self, values: torch.Tensor) -> torch.Tensor:
        """Return the kernel's product with ``values`` (N, K) float32."""
        return self._slice @ self._blurred(self._splat @ values)

    def _blurred(self, values: torch.Tensor) -> torch.Tensor:
        for direction in self._blur:
            values = direction @ values
        return values


def _vertices(simplices: Simplices) -> tuple[npt.NDArray[np.int32], IntArray, IntArray]:
    """Number the vertices in use.

    Returns the vertices of each point (N, d + 1), the sorted key of each vertex (M,), and the strides (d + 1,) by
    which lattice coordinates are packed into a key. The last coordinate is minus the sum of the others: stride 0.
    """
    base, axes = simplices.base, simplices.axes
    d = len(base) - 1
    low = base[:d].min(axis=1)
    # One simplex of margin on either side for the blur's neighbours, one for the simplex itself.
    span = (d + 1) * (base[:d].max(axis=1).astype(np.int64) - low + 4)
    strides = np.append(np.cumprod(np.append(1, span[:-1])), 0)

    # Neighbouring pixels share simplices: number those first, then only the vertices of the distinct ones.
    packed = strides[:d] @ (base[:d] - low[:, None] + 2) * (d + 1)
    order = np.zeros(axes.shape[1], np.int64)
    for axis in axes:
        order = order * (d + 1) + axis
    _, first, simplex = np.unique(packed * (d + 1) ** (d + 1) + order, return_index=True, return_inverse=True)

    # From colour to colour every coordinate grows by one, and the next axis from behind drops by d + 1.
    drops = (d + 1) * strides[axes[:, first]]
    corners = packed[first] + np.arange(d + 1)[:, None] * strides.sum()
    corners[1:] -= np.cumsum(drops[:0:-1], axis=0)
    keys, numbers = np.unique(corners, return_inverse=True)
    return numbers.reshape(corners.shape).T.astype(np.int32)[simplex], keys, strides


def _blur_matrices(keys: IntArray, strides: IntArray) -> list[scipy.sparse.csr_matrix]:
    """Return, for each lattice direction, the filter (½, 1, ½) over the vertices in use."""
    count = len(keys)
    itself = np.arange(count)
    matrices = []
    for stride in strides:
        offset = len(strides) * stride - strides.sum()
        rows, columns = [itself], [itself]
        for neighbour in (keys + offset, keys - offset):
            found = np.minimum(np.searchsorted(keys, neighbour), count - 1)
            present = np.flatnonzero(keys[found] == neighbour)
            rows.append(present)
            columns.append(found[present])
        values = np.full(sum(map(len, rows)), 0.5, np.float32)
        values[:count] = 1
        matrices.append(
            scipy.sparse.csr_matrix((values, (np.concatenate(rows), np.concatenate(columns))), (count, count))
        )
    return matrices


def _to_torch(matrix: scipy.sparse.csr_matrix) -> torch.Tensor:
    return torch.sparse_csr_tensor(
        torch.from_numpy(matrix.indptr),
        torch.from_numpy(matrix.indices),
        torch.from_numpy(matrix.data),
        matrix.shape,
        check_invariants=False,
    )
