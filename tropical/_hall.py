"""Hall's condition: rows that together meet too few columns prove that no permutation has finite entries only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def deficient_rows(finite: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Rows whose finite entries lie in fewer columns than they are, or None where a permutation avoids -inf.

    SciPy proposes a largest matching; the rows are those that alternating paths reach from the unmatched ones, and
    their columns are counted.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    column_of = maximum_bipartite_matching(csr_array(finite), perm_type="column")
    rows = column_of < 0
    while True:
        columns = finite[rows].any(axis=0)
        reached = rows | ((column_of >= 0) & columns[column_of])
        if (reached == rows).all():
            break
        rows = reached
    return np.flatnonzero(rows) if columns.sum() < rows.sum() else None


__all__ = ["deficient_rows"]
