"""Smaller networks with the same function: proofs of stability gathered, superfluous units removed, a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from os import PathLike
from typing import Any

from nn_bridge.network.network import Network
from nn_bridge.reduction.stability import cell_proofs, joined, sign_proofs
from nn_bridge.reduction.superfluous_units import Removal, StabilityProofs, simplify_network
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted, shown_path
from polyhedra.values import Value
from puiseux.domains import DomainLike, pose
from puiseux.questions.answers import sizes
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit

PROOFS = ("auto", "cells", "bounds", "signs")
"""Where proofs of stability come from (see `reduce_network`)."""

_SECONDS = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Reduction(Value):
    """A smaller network, and what was removed.

    Attributes
    ----------
    before, network : Network
        Equal as functions on the domain.
    removals : tuple of Removal
        Unit by unit (stages and units of ``before``, from 0), with the reason.
    domain : str
        Where the two are equal.
    proofs : str
        What proved that units keep their sign.
    complete : bool
        Whether every unit that keeps its sign on the domain was found.
    """

    before: Network
    network: Network
    removals: tuple[Removal, ...]
    domain: str
    proofs: str
    complete: bool

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux reduce --json`` prints."""
        return {
            "before": sizes(self.before),
            "after": sizes(self.network),
            "domain": self.domain,
            "proofs": self.proofs,
            "complete": self.complete,
            "removed": [{"stage": r.stage, "unit": r.unit, "reason": r.reason} for r in self.removals],
        }

    def describe(self) -> str:
        """A few lines for people."""
        where = "everywhere" if self.domain == "all" else f"on {shown_path(self.domain)}"
        lines = [
            f"{counted(sum(self.before.hidden), 'unit')} in {counted(len(self.before.stages), 'stage')} became "
            f"{sum(self.network.hidden):,} in {len(self.network.stages)}; the same function {where}",
        ]
        reasons = Counter(_kind(removal.reason) for removal in self.removals)
        lines += [f"  {count:6d}  {reason}" for reason, count in reasons.most_common()]
        if not self.complete:
            lines.append(f"proofs from {self.proofs}; more units may keep their sign there")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.describe()


def _kind(reason: str) -> str:
    """The reason without the names of units."""
    return reason.partition(" unit ")[0] + (" another unit" if " unit " in reason else "")


@checked_options
@with_steps("Looking for superfluous units")
def reduce_network(
    network: Network | str | PathLike[str] | Any,
    domain: DomainLike = None,
    *,
    proofs: str = "auto",
    keep_chain: bool = False,
    time_limit: float | None = _SECONDS,
    max_cells: int | None = None,
    progress: Steps = None,
) -> Reduction:
    """Remove every unit that is superfluous on a domain; the function there stays exactly the same.

    Constant units, multiples and opposites of others, and units that no output reads go everywhere.  Units that never
    change their sign on the domain become 0 or affine, and a stage of such units disappears.

    Parameters
    ----------
    network : Network, path, or a model that `puiseux.as_network` takes
    domain : str, Polyhedron, (low, high), list of pairs, or None
        Where the function has to stay the same: all of R^n by default.
    proofs : {"auto", "cells", "bounds", "signs"}
        What proves that units keep their sign: all cells of the domain (which finds every such unit), bounds and branch
        and bound (bounded domains), or the signs of weights alone.  ``"auto"``: cells, and what they don't settle in
        time by bounds.
    keep_chain : bool
        Keep a chain of layers a chain, for formats and programs that know nothing else.
    time_limit, max_cells : optional
        When to give up on listing cells.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        The network or the domain is not usable.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [2], [1]], [[1, 1, 1]]], [[0, 0, 9], [0]])
    >>> reduce_network(net).network.hidden, reduce_network(net, "box:-1,1").network.hidden
    ((2,), (1,))
    """
    exact = as_network(network)
    if isinstance(domain, str) and domain.strip().startswith("slice:"):
        raise UsageError("a network is reduced on a full-dimensional domain: give a box or a polyhedron, no slice")
    if proofs not in PROOFS:
        raise UsageError(f"there are no proofs {quoted(proofs)}; take one of {', '.join(PROOFS)}")
    problem = pose(exact, domain)
    check_time_limit(time_limit)
    known, complete = _proofs(exact, problem.domain, proofs, time_limit, max_cells)
    result = simplify_network(exact, known, keep_chain=keep_chain)
    return Reduction(exact, result.network, result.removals, problem.text, known.source or "algebra alone", complete)


def _proofs(
    network: Network, domain: Polyhedron | None, kind: str, time_limit: float | None, max_cells: int | None
) -> tuple[StabilityProofs, bool]:
    """The proofs, valid on the domain, and whether they settle every unit."""
    signs = sign_proofs(network)
    known = StabilityProofs(signs.inactive, signs.active, domain, signs.source)
    if not network.stages:
        return known, True
    if kind in ("auto", "cells"):
        found = cell_proofs(network, domain, time_limit=time_limit, max_cells=max_cells)
        if found.proofs is not None:
            return joined(known, found.proofs), True
        if kind == "cells":
            raise UsageError(
                f"the cells could not all be listed ({found.cells} in the time or number allowed); allow more, take a "
                "smaller domain, or --proofs bounds"
            )
    if kind == "signs":
        return known, False
    if domain is not None and domain.is_bounded():
        from milp.compress import stability_proofs

        return joined(known, stability_proofs(network, domain, time_limit=time_limit)), False
    if kind == "bounds":
        raise UsageError("bounds need a bounded domain: give a box, such as --domain 'box:-1,1'")
    return known, False
