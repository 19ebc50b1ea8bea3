"""Planes (or lines) through points of a larger input space, exactly, with right angles in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from flint import fmpq

from nn_bridge.network.network import Row
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import shown, shown_path
from polyhedra.scalars import ONE, ZERO, rational, to_float
from puiseux.pictures.figures import label_of
from puiseux.pictures.palettes import INK
from puiseux.pictures.windows import Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from puiseux.pictures.views import View

_BITS = 24  # of the factor that makes the second direction nearly orthogonal to the first
_ROOM = fmpq(1, 2)


@dataclass(frozen=True, slots=True)
class Slice:
    """The points ``origin + t_1 d_1 (+ t_2 d_2)``.

    Attributes
    ----------
    origin : exact point
    directions : one or two exact vectors
    anchors : the coordinates t of the points that it was laid through
    aspect : float
        Length of the second direction over that of the first.
    """

    origin: Row
    directions: tuple[Row, ...]
    anchors: tuple[Row, ...]
    aspect: float

    @property
    def columns(self) -> list[Row]:
        """The directions as columns, as `Network.restrict_to` wants them."""
        return list(zip(*self.directions, strict=True))

    @property
    def text(self) -> str:
        """The name of the slice."""
        return "the plane through three points" if len(self.directions) == 2 else "the line through two points"


def slice_through(points: Any, dim: int) -> Slice:
    """The line through two or the plane through three input points.

    The second direction is the second difference less a multiple of the first, so that the two are orthogonal up to the
    rounding of that multiple; the points lie on the slice exactly.

    Raises
    ------
    UsageError
        Not two or three points, of another dimension, or on one line.

    Examples
    --------
    >>> slice_through([[0, 0, 0], [1, 0, 0], [1, 1, 0]], 3).anchors
    ((0, 0), (1, 0), (1, 1))
    """
    if isinstance(points, (str, PathLike)):
        points = _from_file(fspath(points), dim)
    try:
        exact = [tuple(rational(v) for v in point) for point in points]
    except (PuiseuxError, TypeError) as error:
        raise UsageError(f"the points of the slice are no lists of numbers: {shown(error, 160)}") from None
    if len(exact) not in (2, 3):
        raise UsageError(f"a slice goes through two or three points, not {len(exact)}")
    for number, point in enumerate(exact):
        if len(point) != dim:
            raise UsageError(
                f"point {number} of the slice has {counted(len(point), 'number')}, the network reads "
                f"{counted(dim, 'input')}"
            )
    origin, first = exact[0], _minus(exact[1], exact[0])
    if not any(first):
        raise UsageError("the first two points of the slice are equal; give points that differ")
    if len(exact) == 2:
        return Slice(origin, (first,), ((ZERO,), (ONE,)), 1.0)
    second = _minus(exact[2], origin)
    factor = fmpq((_dot(second, first) / _dot(first, first) * 2**_BITS).floor()) / 2**_BITS
    across = tuple(b - factor * a for a, b in zip(first, second, strict=True))
    if _dot(first, second) ** 2 == _dot(first, first) * _dot(second, second):
        raise UsageError("the three points of the slice lie on one line; give a point beside it")
    aspect = (to_float(_dot(across, across)) / to_float(_dot(first, first))) ** 0.5
    return Slice(origin, (first, across), ((ZERO, ZERO), (ONE, ZERO), (factor, ONE)), aspect)


def window_around(plane: Slice) -> Window:
    """The points with half of their extent around them."""
    return tuple(
        (min(values) - _ROOM * (max(values) - min(values)), max(values) + _ROOM * (max(values) - min(values)))
        for values in zip(*plane.anchors, strict=True)
    )


def draw_anchors(ax: Axes, plane: Slice, names: Sequence[str] | None = None) -> None:
    """Mark the points that a slice was laid through, and give the axes one scale."""
    labels = (
        [label_of(name) for name in names] if names is not None else [f"point {k}" for k in range(len(plane.anchors))]
    )
    if len(labels) != len(plane.anchors):
        raise UsageError(f"there are {counted(len(plane.anchors), 'point')} but {counted(len(labels), 'name')}")
    flat = len(plane.directions) == 1
    for anchor, label in zip(plane.anchors, labels, strict=True):
        x = to_float(anchor[0])
        y = 0.0 if flat else to_float(anchor[1])
        transform = ax.get_xaxis_transform() if flat else ax.transData
        ax.plot([x], [y], marker="o", color="white", markeredgecolor=INK, zorder=7, clip_on=False, transform=transform)
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        ax.annotate(
            label,
            (x, y),
            xytext=(7, 7),
            textcoords="offset points",
            xycoords=transform,
            bbox=box,
            fontsize="small",
            zorder=8,
        )
    ax.set_xlabel(f"from {labels[0]} to {labels[1]}")
    if not flat:
        ax.set_ylabel(f"across, towards {labels[2]}")
        if 0.02 < plane.aspect < 50:
            ax.set_aspect(plane.aspect)


def mark_parameters(ax: Axes, view: View) -> None:
    """Mark the origin of a slice and the ends of its directions, where the window shows them."""
    names = {(0, 0): "origin", (1, 0): "origin + direction 1", (0, 1): "origin + direction 2"}
    (left, right), (bottom, top) = view.bounds
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    for (x, y), name in names.items():
        if left <= x <= right and bottom <= y <= top:
            ax.plot([x], [y], marker="o", color="white", markeredgecolor=INK, zorder=7, clip_on=False)
            style: dict[str, Any] = {"textcoords": "offset points", "bbox": box, "fontsize": "small", "zorder": 8}
            ax.annotate(name, (x, y), xytext=(7, 7), **style)


def _from_file(name: str, dim: int) -> list[list[float]]:
    from puiseux.data import as_data

    data = as_data(name, dim)
    assert data is not None
    if len(data.points) < 2:
        raise UsageError(f"{shown_path(name)}: has {len(data.points)} point; a slice goes through two or three")
    return [list(map(float, row)) for row in data.points[:3]]


def _minus(one: Row, other: Row) -> Row:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def _dot(one: Row, other: Row) -> fmpq:
    return sum((a * b for a, b in zip(one, other, strict=True)), ZERO)
