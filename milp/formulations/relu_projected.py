"""The triangle of a ReLU with the projected ideal rows: the hull of each unit over its box, without binaries.

The whole list for units that read at most 12 inputs; for the others `NetworkModel.add_ideal_cuts` adds rows where the
relaxation's point breaks them.
"""

from __future__ import annotations

import numpy as np

from milp.formulations import projected_cuts, relu_triangle
from milp.formulations.rule import Encoded, Preactivation
from milp.projected_rows import WHOLE_LIST


def encode(pre: Preactivation) -> Encoded:
    """Relax y = max(0, g) for m < 0 < M to its hull over the box of the inputs, as far as it is listed."""
    triangle = relu_triangle.encode(pre)
    reads = ((pre.weights != 0) & (pre.input_upper > pre.input_lower)).sum(axis=1)
    short = np.nonzero(reads <= WHOLE_LIST)[0]
    rows = projected_cuts.whole_list(pre, triangle.output, short)
    return Encoded(triangle.output, None, [], [*triangle.constraints, *rows])
