"""Gaussian filtering of many values over few dimensions on the permutohedral lattice.

Adams, Baek & Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice", Eurographics 2010.
Points of ``d`` features are *splatted* onto the vertices of the simplices that hold them, the vertices are
*blurred* along the ``d + 1`` lattice directions, and the result is *sliced* back at the points. All three are
sparse matrices here, made once and applied as often as needed, so no compiled code of our own is required.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


def elevation(d: int) -> FloatArray:
    """Return the matrix (d + 1, d) that lays features onto the lattice's plane (Adams et al., p. 5).

    It is scaled so that splatting, blurring and slicing amount to a Gaussian of unit standard deviation, and
    divided by ``d + 1``, so that the vertices of colour 0 have integer coordinates.
    """
    column = np.arange(1, d + 1)
    matrix = np.triu(np.ones((d + 1, d)))
    matrix[column, column - 1] = -column
    return (matrix * np.sqrt(2 / 3) / np.sqrt(column * (column + 1))).astype(np.float32)


@dataclass(frozen=True)
class Simplices:
    """The simplices around N points.

    ``base`` (d + 1, N) int32 is the vertex of colour 0, divided by ``d + 1``. ``rank`` (d + 1, N) int8 is the
    place of each coordinate when they are ordered by their distance above that vertex, the largest first.
    ``weights`` (d + 1, N) float32 are the barycentric coordinates, by the vertex' colour.
    """

    base: npt.NDArray[np.int32]
    rank: npt.NDArray[np.int8]
    weights: FloatArray


def enclosing_simplices(features: FloatArray) -> Simplices:
    """Find the simplex around each point (Adams et al., p. 10); ``features`` is (d, N) float32."""
    d, n = features.shape
    position = elevation(d) @ features
    base = np.rint(position)
    rest = position - base

    # Ranks by comparing all pairs: on few long rows quicker than sorting many short columns.
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

    # An exchange sort of whole rows, again since there are few.
    for i in range(d):
        for j in range(i + 1, d + 1):
            larger = np.maximum(rest[i], rest[j])
            np.minimum(rest[i], rest[j], out=rest[j])
            rest[i] = larger
    weights = np.empty_like(rest)
    weights[0] = 1 + rest[d] - rest[0]
    weights[1:] = (rest[:-1] - rest[1:])[::-1]
    return Simplices(base.astype(np.int32), rank, weights)


class PermutohedralKernel:
    """A Gaussian kernel over N points, normalised symmetrically: ``weight · D^-½ G D^-½``, ``D = diag(G 1)``.

    ``kernel.filter(values)`` evaluates it at the points themselves, ``slice_at(gather(values), features)`` at
    other points. A kernel never changes, so threads may share it; it takes ``8 (d + 1)`` bytes a point.
    """

    def __init__(self, features: FloatArray, extent: npt.ArrayLike, weight: float = 1) -> None:
        """Build the lattice.

        ``features`` (d, N) float32 are in standard deviations of the Gaussian and lie in ``[0, extent]``,
        as do all points that will be asked for; ``extent`` is (d,). Raises ValueError when it is so large
        that the vertices cannot be counted in 64 bits.
        """
        reach = elevation(len(features)) * np.asarray(extent, np.float64)
        # Room for rounding, for the simplex and for the neighbours of its vertices.
        self._low = np.floor(np.minimum(reach, 0).sum(axis=1)[:-1]).astype(np.int64) - 3
        span = np.ceil(np.maximum(reach, 0).sum(axis=1)[:-1]).astype(np.int64) + 3 - self._low + 1
        if np.log2(span).sum() + np.log2(len(reach)) * len(reach) > 62:
            raise ValueError("the kernel is too narrow for features of this extent")
        # The last coordinate is minus the sum of the others, so it needs no place in a vertex' key.
        self._strides = np.append(np.cumprod(np.append(1, span[:-1])), 0)

        simplices = enclosing_simplices(features)
        keys, simplex = self._corner_keys(simplices)
        self._keys = np.unique(keys)
        corners = self._interpolation(simplices, keys, simplex)
        self._blur = self._blur_matrices()
        self._weight = weight
        self._splat = corners.T
        self._mass = self.gather(np.ones((1, corners.shape[0]), np.float32))[0]
        self._slice = self._normalised(corners)
        self._splat = self._slice.T

    def filter(self, values: FloatArray) -> FloatArray:
        """Return the kernel's product with each row of ``values`` (K, N) float32."""
        return _products(self._slice, self.gather(values))

    def gather(self, values: FloatArray) -> FloatArray:
        """Return what the lattice's M vertices hold of ``values`` (K, N) float32, blurred: (K, M)."""
        held = _products(self._splat, values)
        for direction in self._blur:
            held = _products(direction, held)
        return held

    def slice_at(self, held: FloatArray, features: FloatArray) -> FloatArray:
        """Evaluate the product at other points, (d, P) float32, from ``held = gather(values)``: (K, P).

        A point far from all of the kernel's own gets zeros.
        """
        simplices = enclosing_simplices(features)
        corners = self._interpolation(simplices, *self._corner_keys(simplices))
        return _products(self._normalised(corners), held)

    def _normalised(self, corners: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
        """Scale the rows of an interpolation so that splat, blur and slice make the normalised kernel."""
        mass = corners @ self._mass
        factor = np.where(mass > 0, np.sqrt(self._weight / np.maximum(mass, 1e-20)), 0).astype(np.float32)
        corners.data *= np.repeat(factor, len(self._strides))
        return corners

    def _corner_keys(self, simplices: Simplices) -> tuple[IntArray, npt.NDArray[np.int64]]:
        """Return the vertices' keys of the S distinct simplices (S, d + 1), and each point's simplex (N,).

        A vertex of colour k has the coordinates ``(d + 1) b + k``: its key packs b, with k as the last digit.
        """
        base, rank = simplices.base, simplices.rank
        d = len(base) - 1
        origin = np.zeros(base.shape[1], np.int64)
        order = np.zeros(base.shape[1], np.int64)
        for i in range(d):
            origin += self._strides[i] * (base[i] - self._low[i])
            order = order * (d + 1) + rank[i]
        # Neighbouring pixels share simplices, so only the vertices of the distinct ones are worked out.
        distinct, simplex = np.unique(origin * (d + 1) ** d + order, return_inverse=True)
        some = np.empty(len(distinct), np.int64)
        some[simplex] = np.arange(len(simplex))
        # From one colour to the next, the coordinate that comes last falls back by one unit of b.
        axis = np.argsort(rank[:, some], axis=0)
        keys = np.empty((len(distinct), d + 1), np.int64)
        corner = origin[some]
        keys[:, 0] = corner * (d + 1)
        for colour in range(1, d + 1):
            corner = corner - self._strides[axis[d + 1 - colour]]
            keys[:, colour] = corner * (d + 1) + colour
        return keys, simplex

    def _interpolation(
        self, simplices: Simplices, keys: IntArray, simplex: npt.NDArray[np.int64]
    ) -> scipy.sparse.csr_matrix:
        """Return the matrix (points, M) that interpolates between vertices; unused ones count as zero."""
        vertices, present = self._find(keys)
        weights = np.ascontiguousarray(simplices.weights.T)
        if not present.all():
            weights *= present[simplex]
        size = len(simplex) * keys.shape[1]
        starts = np.arange(0, size + 1, keys.shape[1], dtype=np.int32)
        shape = (len(simplex), len(self._keys))
        return scipy.sparse.csr_matrix((weights.ravel(), vertices[simplex].ravel(), starts), shape)

    def _find(self, keys: IntArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return the number of the vertex of each key, and whether that vertex is in use."""
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return found.astype(np.int32), self._keys[found] == keys

    def _blur_matrices(self) -> list[scipy.sparse.csr_matrix]:
        """Return, for each lattice direction, the filter (½, 1, ½) over the vertices in use."""
        count, colours = len(self._keys), len(self._strides)
        itself = np.arange(count, dtype=np.int32)
        starts = np.arange(0, 3 * count + 1, 3, dtype=np.int32)
        # The digit of the last colour carries over to all coordinates.
        carry = np.where(self._keys % colours == colours - 1, colours * (self._strides.sum() - 1), 0)
        matrices = []
        for stride in self._strides:
            # One step ahead, all coordinates grow by one, and that of the direction falls back by d + 1.
            ahead, present = self._find(self._keys + 1 + carry - colours * stride)
            here, ahead = itself[present], ahead[present]
            neighbours = np.repeat(itself[:, None], 3, axis=1)
            weights = np.zeros((count, 3), np.float32)
            weights[:, 0] = 1
            neighbours[here, 1], weights[here, 1] = ahead, 0.5
            neighbours[ahead, 2], weights[ahead, 2] = here, 0.5
            matrices.append(
                scipy.sparse.csr_matrix((weights.ravel(), neighbours.ravel(), starts), (count, count))
            )
        return matrices


def _products(matrix: scipy.sparse.csr_matrix, rows: FloatArray) -> FloatArray:
    """Multiply ``matrix`` with each row: for scipy much quicker than with a matrix of few columns."""
    products = np.empty((len(rows), matrix.shape[0]), np.float32)
    for row, product in zip(rows, products, strict=True):
        product[:] = matrix @ row
    return products
