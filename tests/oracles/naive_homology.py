"""A naive oracle: Betti numbers modulo 2 of the order complex of a set of faces, optionally with a cone over a part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def rank_modulo_two(columns: Iterable[set]) -> int:
    """The rank of a matrix modulo 2, given by the rows that each column holds."""
    by_lowest: dict = {}
    for column in columns:
        rest = set(column)
        while rest:
            lowest = max(rest)
            if lowest not in by_lowest:
                by_lowest[lowest] = rest
                break
            rest ^= by_lowest[lowest]
    return len(by_lowest)


def simplicial_betti(simplices: set[tuple[int, ...]], degrees: int) -> tuple[int, ...]:
    """The Betti numbers modulo 2 of the simplices (sorted tuples, closed under faces)."""
    counts, ranks = [0] * (degrees + 2), [0] * (degrees + 2)
    for degree in range(degrees + 1):
        chosen = [s for s in simplices if len(s) == degree + 1]
        counts[degree] = len(chosen)
        if degree:
            ranks[degree] = rank_modulo_two({s[:i] + s[i + 1 :] for i in range(len(s))} for s in chosen)
    assert all(len(s) <= degrees + 1 for s in simplices)
    return tuple(counts[k] - ranks[k] - ranks[k + 1] for k in range(degrees + 1))


def chains(facets: Mapping[int, Iterable[int]], members: Iterable[int]) -> set[tuple[int, ...]]:
    """The chains of faces of a set, each face with all faces below it; a face has a greater number than those below."""
    kept = set(members)
    below: dict[int, set[int]] = {}
    for face in sorted(facets):
        below[face] = set().union(*({facet} | below[facet] for facet in facets[face]))
    ending: dict[int, list[tuple[int, ...]]] = {}
    for face in sorted(kept):
        ending[face] = [(face,)] + [(*chain, face) for lower in below[face] & kept for chain in ending[lower]]
    return {chain for found in ending.values() for chain in found}


def order_complex_betti(facets: Mapping[int, Iterable[int]], members: Iterable[int], degrees: int) -> tuple[int, ...]:
    """The Betti numbers modulo 2 of the order complex of a set of faces."""
    return simplicial_betti(chains(facets, members), degrees)


def quotient_betti(
    facets: Mapping[int, Iterable[int]], members: set[int], boundary: set[int], degrees: int
) -> tuple[int, ...]:
    """The same of the order complex with a cone over the chains of the boundary: its boundary shrunk to a point."""
    apex = max(facets) + 1
    simplices = chains(facets, members)
    cone = {(*chain, apex) for chain in chains(facets, members & boundary)}
    return simplicial_betti(simplices | cone | {(apex,)}, degrees + 1)[: degrees + 1]


def persistent_ranks(
    facets: Mapping[int, Iterable[int]], smaller: Iterable[int], larger: Iterable[int], degrees: int
) -> tuple[int, ...]:
    """The ranks modulo 2 of the maps from the homology of one order complex to that of a larger one, by degree."""
    small, large = chains(facets, smaller), chains(facets, larger)
    assert small <= large

    def boundary(simplex: tuple[int, ...]) -> set:
        return {simplex[:i] + simplex[i + 1 :] for i in range(len(simplex))} if len(simplex) > 1 else set()

    ranks = []
    for degree in range(degrees + 1):
        cycles = kernel_modulo_two({s: boundary(s) for s in small if len(s) == degree + 1})
        bounding = [boundary(s) for s in large if len(s) == degree + 2]
        ranks.append(rank_modulo_two([*bounding, *cycles]) - rank_modulo_two(bounding))
    return tuple(ranks)


def kernel_modulo_two(columns: Mapping) -> list[set]:
    """A basis of the combinations of columns that vanish modulo 2, as sets of the names of columns."""
    by_lowest: dict = {}
    found = []
    for name, column in columns.items():
        rest, combined = set(column), {name}
        while rest and max(rest) in by_lowest:
            other, others = by_lowest[max(rest)]
            rest ^= other
            combined ^= others
        if rest:
            by_lowest[max(rest)] = rest, combined
        else:
            found.append(combined)
    return found
