"""Colours that readers with any colour vision tell apart, and which cell gets which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from polyhedra.arrays import Integers
from puiseux.pictures.arrangement import Arrangement
from puiseux.pictures.planar import colouring

RGB = tuple[float, float, float]

REGION_COLOURS = ("#77AADD", "#EEDD88", "#FFAABB", "#99DDFF", "#BBCC33", "#EE8866", "#44BB99", "#DDDDDD")
"""Paul Tol's light scheme: eight fills."""
CLASS_COLOURS = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#DDCC77",
    "#88CCEE",
    "#AA4499",
    "#44AA99",
    "#882255",
    "#999933",
    "#777777",
    "#332288",
    "#661100",
)
"""Twelve from Paul Tol's bright and muted schemes."""
LAYER_COLOURS = ("#004488", "#BB5566", "#DDAA33", "#009988", "#AA3377", "#66CCEE", "#555555")
"""Lines, from Paul Tol's high-contrast scheme on; layers beyond the last share it."""
INK = "#222222"
MARKERS = "os^Dv<>Ph*"
VALUE_MAP = "cividis"
TINTS = (0.25, 0.4, 0.55, 0.7)
"""Shares of white, so that neighbouring regions of one class can be told apart."""


def rgb(colour: str) -> RGB:
    """``"#FF8000"`` as numbers from 0 to 1."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue


def tinted(colour: str, white: float) -> RGB:
    """A colour mixed with a share of white."""
    red, green, blue = (white + (1 - white) * v for v in rgb(colour))
    return red, green, blue


def class_colour(number: int) -> str:
    """The colour of a class; beyond twelve they repeat."""
    return CLASS_COLOURS[number % len(CLASS_COLOURS)]


def layer_colour(stage: int) -> str:
    """The colour of a stage of units, from 0."""
    return LAYER_COLOURS[min(stage, len(LAYER_COLOURS) - 1)]


def map_colours(
    found: Arrangement, colours: int = len(REGION_COLOURS), wanted: Mapping[int, int] | None = None
) -> Integers:
    """A colour number for each cell: equal for equal affine maps, different across borders where that can be.

    Parameters
    ----------
    found : Arrangement
    colours : int
    wanted : mapping from a map's number to a colour number, optional
        Taken where no neighbour has it.
    """
    facets = found.inner_facets
    ends = np.stack([found.maps[found.facet_cell[facets]], found.maps[found.facet_cell[found.partner[facets]]]], axis=1)
    pairs = [(one, two) for one, two in np.unique(ends, axis=0).tolist()] if len(ends) else []
    chosen = colouring(range(int(found.maps.max()) + 1), pairs, colours, wanted)
    return np.array([chosen[number] for number in found.maps.tolist()])


def fills(numbers: Sequence[int] | Integers) -> list[str]:
    """The region colours of some numbers."""
    return [REGION_COLOURS[number] for number in numbers]
