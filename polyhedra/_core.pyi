"""How the compiled core was built, and the loops of linear programs (`polyhedra.float_simplex` describes them)."""

from polyhedra.arrays import Floats as _Floats
from polyhedra.arrays import Integers as _Indices

def about() -> dict[str, str | bool]:
    """The sum of the sources, the compiler, how limbs are multiplied, and whether assertions are checked."""

def rounds_each_operation(a: float, b: float, c: float) -> bool:
    """Whether a * b + c, computed as two operations, is zero."""

def propose(
    rows: _Floats, n_equal: int, top: _Floats, symbolic: bool, basis: _Indices, point: _Floats, inverse: _Floats
) -> int:
    """Propose a final basis by the dual simplex method."""

def propose_and_prove(rows: _Floats, n_equal: int, top: _Floats, basis: _Indices, point: _Floats) -> int:
    """The same with a symbolic cap; says whether the basis is proven to be the only optimum."""

def prove_many(rows: _Floats, targets: _Floats, names: _Indices, statuses: _Indices) -> None:
    """The same without equalities for many objectives."""

def doubtful(rows: _Floats, n_equal: int, point: _Floats, homogeneous: bool, indices: _Indices) -> int:
    """The rows that are not proven to hold strictly at a point."""
