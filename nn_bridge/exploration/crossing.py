"""`cell_beyond`: the pattern of the cell beyond a facet, from what changes there and not from the forms beyond it.

Units that vanish on the facet have multiples of its row as forms.  In the first stage that has such units, forms are
those of the cell itself, so that these units switch and no others do.  All later forms change by multiples of the row:
the outputs that switch are multiples of it, and so is what stages make of multiples.  A later unit whose form is no
multiple of the row keeps its state, hence; where there are only such units, the cell beyond is known.  For the others,
and for units that are zero on the cell, the multiples are passed on from stage to stage: one number a unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flint import fmpz

from nn_bridge.network.forms import ExactForms
from polyhedra.system import IntegerRow


def cell_beyond(
    forms: ExactForms,
    active: tuple[int, ...],
    row: IntegerRow,
    vanishing: Sequence[tuple[int, int]],
    zero: Iterable[tuple[int, int]],
) -> tuple[int, ...]:
    """The cell beyond a facet.

    Parameters
    ----------
    forms : ExactForms
    active : tuple of int
        The cell, as `LocalCell.active`.
    row : integer row
        The facet ``(a, b)``, without common factor, with ``a . t <= b`` on the cell.
    vanishing : sequence of (stage, unit)
        The units whose forms on the cell are multiples of the row, but not zero, by increasing stage.
    zero : iterable of (stage, unit)
        The units whose forms on the cell are zero; they are inactive, as everywhere in `nn_bridge`.
    """
    first = vanishing[0][0]
    beyond = list(active)
    for stage, unit in vanishing:
        if stage == first:
            beyond[stage] ^= 1 << unit
    open_ = {name for name in (*vanishing, *zero) if name[0] > first}
    if not open_:
        return tuple(beyond)
    # by stage, what the outputs change by, in multiples of b - a . t
    changes = [[fmpz(0)] * forms.units(stage) for stage in range(first + 1)]
    for stage, unit in vanishing:
        if stage == first:
            factor = _factor(forms, active, row, stage, unit)
            changes[first][unit] = -factor if factor > 0 else factor
    for stage in range(first + 1, max(stage for stage, _ in open_) + 1):
        outputs = []
        for unit, change in enumerate(forms.change(stage, changes)):
            on = bool(active[stage] >> unit & 1)
            if (stage, unit) in open_:
                before = _factor(forms, active, row, stage, unit)
                after = before + change
                if (after < 0) != on:  # b - a . t is negative beyond the facet
                    beyond[stage] ^= 1 << unit
                change = (after if after < 0 else fmpz(0)) - (before if on else fmpz(0))
            elif not on:
                change = fmpz(0)
            outputs.append(change)
        changes.append(outputs)
    return tuple(beyond)


def _factor(forms: ExactForms, active: tuple[int, ...], row: IntegerRow, stage: int, unit: int) -> fmpz:
    """The c for which the form of a unit is ``c (b - a . t)``, an integer since the row has no common factor."""
    pivot = next(i for i, value in enumerate(row[:-1]) if value)
    return -forms.forms(active[:stage])[unit, pivot] // row[pivot]


__all__ = ["cell_beyond"]
