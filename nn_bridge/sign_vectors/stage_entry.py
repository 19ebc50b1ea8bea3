"""Entering a stage: its values at all vertices of the complex, their error bounds, and the signs that these prove.

Where the numbers that a value is summed up from are off by ``e`` times their scales, the value is off by ``e`` times
its *gain*, the sum of its weights' absolute values over these scales.  Its own rounding is at most ``gamma`` times
(size times gain, and bias), where size is the largest absolute value over scale in the row.  An inactive unit is
exactly zero around the vertex, since its sign is proven: so it can be left out of the gain (a *sharp* stage), and of
the sum.

Any positive scales are right.  Those in proportion to how much columns vary along edges keep the amplification of
residuals near the cosecant of an angle.
"""

from __future__ import annotations

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT
from nn_bridge.sign_vectors import kernels
from nn_bridge.sign_vectors.plan import FloatStage, Plan
from nn_bridge.sign_vectors.skeleton import Layout, Skeleton, layout_of
from nn_bridge.sign_vectors.start import HEAD
from polyhedra.arrays import Integers

SHALLOW = 4
"""Up to so many stages the plainer of the two error bounds is good enough."""
SMALLEST_SCALE = 1e-260
FLOOR = 1e-250
"""Absolute slack for anything that underflow can do to numbers that started within the range of `plan.SMALLEST`."""


def enter_stage(skeleton: Skeleton, index: int, before: FloatStage | None, new: Layout, doubts: Integers) -> int:
    """Rewrite all vertex rows in the layout of stage ``index``.

    Returns
    -------
    int
        How many signs are open; these (vertex, neuron) are written to ``doubts`` while there is room.

    Raises
    ------
    NetworkError
        Numbers leave the range of float64.
    """
    plan = skeleton.plan
    stage = plan.entries.get(index)
    if stage is None:
        stage = plan.entries[index] = _entry_of(plan, index, before, new)
    scaled = skeleton.no_scales()
    found = kernels.enter_stage(
        skeleton.vertex_arrays,
        skeleton.vertices,
        skeleton.e64,
        skeleton.edges,
        stage,
        skeleton.scaled,
        scaled,
        doubts,
    )
    if found < 0:
        raise NetworkError(f"the values of stage {index + 1} leave the range of float64; use engine 'cells'")
    skeleton.scaled = scaled
    return found


def _entry_of(plan: Plan, index: int, before: FloatStage | None, new: Layout) -> kernels.Stage:
    """The stage as the loop takes it: where it reads, and the columns that stay (new place, old place, number)."""
    stage, old = plan.stages[index], layout_of(plan, before)
    kept = [(HEAD, HEAD, plan.network.input_dim)]
    for source, place in new.carried.items():
        kept.append((place, old.column if source == index else old.carried[source], plan.stages[source - 1].units))
    reads = []
    for source, weights in stage.reads:
        start = HEAD if source == INPUT else old.column if source == index else old.carried[source]
        reads.append((start, weights.shape[1], source != INPUT))
    return kernels.Stage(
        np.array(reads, dtype=np.int64).reshape(-1, 3),
        stage.weights,
        stage.bias,
        np.array(kept, dtype=np.int64),
        new.column,
        len(plan.stages) > SHALLOW,
    )
