"""A problem that cvxpy compiled, as a model of SCIP: for callbacks, which cvxpy has no way to hand over."""

from __future__ import annotations

from typing import Any

import numpy as np

from polyhedra.errors import FormulationError


def load_scip(scip: Any, data: dict[str, Any]) -> list[Any]:
    """The compiled problem as a SCIP model; cvxpy hands over A x <= b with the equalities first."""
    from pyscipopt import quicksum
    from scipy import sparse

    low, high = data["lower_bounds"], data["upper_bounds"]
    binary = set(data["bool_vars_idx"])
    variables = []
    for j in range(len(data["c"])):
        if j in binary:
            variables.append(scip.addVar(vtype="B"))
        else:
            a = None if low is None or not np.isfinite(low[j]) else float(low[j])
            b = None if high is None or not np.isfinite(high[j]) else float(high[j])
            variables.append(scip.addVar(lb=a, ub=b))
    rows = sparse.csr_array(data["A"])
    equalities = data["dims"].zero
    for i in range(rows.shape[0]):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        right = float(data["b"][i])
        terms = [(float(v), int(j)) for j, v in zip(rows.indices[part], rows.data[part], strict=True) if v != 0]
        if not terms:
            if right < 0 or (i < equalities and right != 0):
                raise FormulationError("the model of the patterns contradicts itself; check the domain")
            continue
        total = quicksum(v * variables[j] for v, j in terms)
        scip.addCons(total == right if i < equalities else total <= right)
    return variables
