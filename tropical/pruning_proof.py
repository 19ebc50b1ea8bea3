"""A pruning as records that an independent program can check; see docs/certificates.md for the format.

A redundant term is proven by the kept terms and walls whose multipliers are positive.  These are chosen such that they
are independent: then they determine the multipliers, and naming them is enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from flint import fmpq

from polyhedra.matrix import nullspace
from polyhedra.scalars import common_denominator, primitive
from tropical.lifted import Irredundant
from tropical.pruning import Pruning

Row = tuple[int, ...]


class PruningProof:
    """The proof of one pruning.

    Parameters
    ----------
    pruning : Pruning
        From ``prune(.., certificates=True)``.

    Attributes
    ----------
    dim, scale : int
        Terms are integer rows ``(a_1, .., a_n, c)`` over the scale.
    walls : tuple of integer rows ``(a, b)``
        The domain is where ``a . x + b >= 0``; an equality is two walls.

    Examples
    --------
    >>> from tropical.polynomial import PuiseuxPolynomial
    >>> from tropical.pruning import prune
    >>> tent = PuiseuxPolynomial({(0,): 0, (1,): 0, (2,): 1})
    >>> list(PruningProof(prune(tent, certificates=True)).records())
    [['kept', [0, 0], [-3, 2]], ['kept', [2, 1], [1, 2]], ['redundant', [1, 0], [0, 1], []]]
    """

    def __init__(self, pruning: Pruning) -> None:
        self._pruning = pruning
        original, domain = pruning.original, pruning.domain
        self.dim = original.dim
        exponents, coefficients = original.denominators
        self.scale = math.lcm(exponents, coefficients)
        slopes, heights = self.scale // exponents, self.scale // coefficients
        self._terms = [(*(slopes * a for a in row[:-1]), heights * row[-1]) for row in original.rows]
        walls: list[Row] = []
        if domain is not None:
            rows = [primitive([*(-a for a in row[:-1]), row[-1]]) for row in domain.inequalities]
            equal = [primitive([*(-a for a in row[:-1]), row[-1]]) for row in domain.equalities]
            walls = [*rows, *equal, *(tuple(-v for v in row) for row in equal)]
        self.walls = tuple(walls)

    @property
    def counts(self) -> dict[str, int]:
        """How many terms are kept, and how many redundant."""
        kept = len(self._pruning.kept)
        return {"kept": kept, "redundant": len(self._terms) - kept}

    def records(self) -> Iterator[list[Any]]:
        """The kept terms, each with its point, then the redundant ones, each with its support."""
        certificates = self._pruning.certificates
        number = {position: k for k, position in enumerate(self._pruning.kept)}
        for position in self._pruning.kept:
            proof = certificates[position]
            assert isinstance(proof, Irredundant)
            denominator = common_denominator(proof.point)
            point = [int(v.p) * (denominator // int(v.q)) for v in proof.point]
            yield ["kept", list(self._terms[position]), [*point, denominator]]
        for position, term in enumerate(self._terms):
            proof = certificates[position]
            if isinstance(proof, Irredundant):
                continue
            weights = dict(proof.multipliers)
            signs = (*proof.walls, *proof.equalities, *(-v for v in proof.equalities))
            # multipliers belong to rows as they were given; which are positive does not depend on their scale
            used = [i for i, weight in enumerate(signs) if weight > 0]
            terms, walls = self._independent(list(weights), used, position)
            yield ["redundant", list(term), [number[i] for i in terms], walls]

    def _independent(self, terms: list[int], walls: list[int], target: int) -> tuple[list[int], list[int]]:
        """Independent ones among these terms and walls that prove as much (Carathéodory's theorem)."""
        columns = [(*self._terms[i][:-1], 1, self._terms[i][-1]) for i in terms]
        columns += [(*(-v for v in self.walls[i][:-1]), 0, -self.walls[i][-1]) for i in walls]
        names = [(True, i) for i in terms] + [(False, i) for i in walls]
        slopes = [tuple(map(fmpq, column[:-1])) for column in columns]
        if not nullspace(tuple(zip(*slopes, strict=True)), len(columns)):
            return terms, walls
        weights = self._weights(slopes, [c[-1] for c in columns], target)
        chosen = [name for name, weight in zip(names, weights, strict=True) if weight > 0]
        return [i for is_term, i in chosen if is_term], [i for is_term, i in chosen if not is_term]

    def _weights(self, slopes: list[tuple[fmpq, ...]], heights: list[int], target: int) -> list[fmpq]:
        """A basic solution: of all weights >= 0 that give the target's slope the ones that rise highest."""
        from polyhedra.linear_program import Optimal, maximize

        goal = (*self._terms[target][:-1], 1)
        # its dual: the least height s.x of a point x that all columns stay below; the multipliers are the weights
        answer = maximize([-v for v in goal], [[-v for v in row] for row in slopes], [-h for h in heights])
        assert isinstance(answer, Optimal)
        return list(answer.multipliers)


__all__ = ["PruningProof"]
