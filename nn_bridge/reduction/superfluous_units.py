"""Smaller networks with the same function, by exact algebra.

Some units are superfluous everywhere: constant ones, multiples of another, ones that nothing reads. Others are on a
domain: where a unit is proved to be inactive it is 0, where it is proved to be active it is its pre-activation. The
proofs are handed in (`StabilityProofs`), from cells or from mixed-integer programs; here they are only used. Each
superfluous unit is replaced by an affine function of what stays, in rationals, so the function is the same exactly:
on the domain of the proofs, and on all of R^n without proofs.

In the normal form an active unit can always be replaced, because later stages may read what it read.  With
``keep_chain=True`` no stage reads past the one before it, and active units go only where they depend linearly on other
active units of their stage, or together with their whole stage.

Source: Serra, Kumar, Ramalingam 2020 (lossless compression).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flint import fmpq, fmpq_mat

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, AffineStage, Network
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO
from polyhedra.values import Value

Unit = tuple[int, int]
"""(source, index): an input for source 0, a unit of stage k for source k."""


@dataclass(frozen=True, slots=True)
class StabilityProofs:
    """Units with a proved sign on a domain.

    Attributes
    ----------
    inactive, active : frozenset of (stage, unit)
        Pre-activation <= 0, or >= 0, on the whole domain; stages and units counted from 0.
    domain : Polyhedron or None
        None for all of R^n.
    source : str
        Who proved it, for the notes of the network.
    """

    inactive: frozenset[Unit] = frozenset()
    active: frozenset[Unit] = frozenset()
    domain: Polyhedron | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """A unit that was removed, and why (stage and unit counted from 0)."""

    stage: int
    unit: int
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Simplification(Value):
    """A smaller network and what was removed.

    Attributes
    ----------
    network : Network
    removals : tuple of Removal
    domain : Polyhedron or None
        Where the function is the same (None: everywhere).
    """

    network: Network
    removals: tuple[Removal, ...]
    domain: Polyhedron | None


@dataclass(frozen=True, slots=True)
class _Affine:
    """A constant and coefficients by unit (no zeros)."""

    terms: dict[Unit, fmpq]
    constant: fmpq

    def scaled(self, factor: fmpq) -> _Affine:
        return _Affine({unit: factor * w for unit, w in self.terms.items()} if factor else {}, factor * self.constant)


_NOTHING = _Affine({}, ZERO)


def _sum(parts: Iterable[_Affine]) -> _Affine:
    terms: dict[Unit, fmpq] = {}
    constant = ZERO
    for part in parts:
        constant += part.constant
        for unit, w in part.terms.items():
            total = terms.get(unit, ZERO) + w
            if total != 0:
                terms[unit] = total
            else:
                terms.pop(unit, None)
    return _Affine(terms, constant)


def simplify_network(
    network: Network, proofs: StabilityProofs | None = None, *, keep_chain: bool = False
) -> Simplification:
    """Remove every superfluous unit.

    Parameters
    ----------
    network : Network
    proofs : StabilityProofs, optional
        Without them only what is superfluous everywhere is removed.
    keep_chain : bool
        Never make a stage read past the stage before it.

    Raises
    ------
    NetworkError
        The proofs name a unit that does not exist, or call one both active and inactive.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [2], [0]], [[1, 1, 5]]], [[0, 0, 3], [0]])
    >>> small = simplify_network(net).network
    >>> small.hidden, small.evaluate([7]) == net.evaluate([7])
    ((1,), True)
    """
    known = StabilityProofs() if proofs is None else proofs
    _check(network, known)
    work = _Forward(network, known, keep_chain)
    for k in range(len(network.stages)):
        work.stage(k)
    output = work.rows(network.output)
    kept = _read_by_something(work.forms, output)
    removals = [
        *work.removals,
        *(Removal(k - 1, i, "nothing reads it") for k, i in work.forms if (k, i) not in kept),
    ]
    forms = {unit: form for unit, form in work.forms.items() if unit in kept}
    note = f"{counted(len(removals), 'superfluous unit')} removed"
    if known.inactive or known.active:
        note += f", by proofs of stability{f' from {known.source}' if known.source else ''}"
        note += "" if known.domain is None else ", on their domain only"
    small = _rebuild(network, forms, output, note)
    used = known.inactive or known.active
    return Simplification(
        small, tuple(sorted(removals, key=lambda r: (r.stage, r.unit))), known.domain if used else None
    )


def _check(network: Network, proofs: StabilityProofs) -> None:
    for k, i in proofs.inactive | proofs.active:
        if not (0 <= k < len(network.stages) and 0 <= i < network.stages[k].units):
            raise NetworkError(f"the proofs name unit {i} of stage {k}, which the network does not have")
    both = sorted(proofs.inactive & proofs.active)
    # a unit that is 0 on the whole domain is both, and that is no contradiction, but then one proof is enough
    if both:
        raise NetworkError(f"the proofs call unit {both[0][1]} of stage {both[0][0]} both active and inactive")


class _Forward:
    """One pass through the stages: each unit stays, with its form over what stays, or becomes affine in what stays."""

    def __init__(self, network: Network, proofs: StabilityProofs, keep_chain: bool) -> None:
        self.network, self.proofs, self.keep_chain = network, proofs, keep_chain
        self.forms: dict[Unit, _Affine] = {}  # of the units that stay
        self.values: dict[Unit, _Affine] = {
            (INPUT, j): _Affine({(INPUT, j): ONE}, ZERO) for j in range(network.input_dim)
        }
        self.removals: list[Removal] = []
        self.directions: dict[tuple[object, ...], Unit] = {}

    def rows(self, stage: AffineStage) -> list[_Affine]:
        """The rows of a stage over the units that stay."""
        result = []
        for i in range(stage.units):
            parts = [_Affine({}, stage.bias[i])]
            for source, matrix in stage.blocks:
                parts += [self.values[source, j].scaled(w) for j, w in enumerate(matrix[i]) if w != 0]
            result.append(_sum(parts))
        return result

    def stage(self, k: int) -> None:
        """Decide the units of one stage."""
        rows = self.rows(self.network.stages[k])
        stable = self.proofs.inactive | self.proofs.active
        whole = all((k, i) in stable or not form.terms for i, form in enumerate(rows))
        active: list[int] = []
        for i, form in enumerate(rows):
            if (k, i) in self.proofs.inactive:
                self._replace(k, i, _NOTHING, "inactive on the domain")
            elif not form.terms:
                self._replace(k, i, _Affine({}, max(form.constant, ZERO)), "constant")
            elif (k, i) in self.proofs.active and (whole or not self.keep_chain):
                self._replace(k, i, form, "active on the domain")
            elif not self._is_multiple(k, i, form):
                self._keep(k, i, form)
                if (k, i) in self.proofs.active:
                    active.append(i)
        if active:
            self._remove_dependent(k, active)

    def _replace(self, k: int, i: int, value: _Affine, reason: str) -> None:
        self.values[k + 1, i] = value
        self.removals.append(Removal(k, i, reason))

    def _keep(self, k: int, i: int, form: _Affine) -> None:
        self.forms[k + 1, i] = form
        self.values[k + 1, i] = _Affine({(k + 1, i): ONE}, ZERO)
        self.directions.setdefault(self._direction(k, form, ONE)[0], (k + 1, i))

    def _direction(self, k: int, form: _Affine, sign: fmpq) -> tuple[tuple[object, ...], fmpq]:
        """The form up to a positive factor, as a key, and the factor."""
        first = min(form.terms)
        size = abs(form.terms[first])
        factor = sign / size
        terms = tuple((unit, str(factor * form.terms[unit])) for unit in sorted(form.terms))
        stage = k if self.keep_chain else None  # in a chain only units of one stage can stand for each other
        return (stage, terms, str(factor * form.constant)), size

    def _is_multiple(self, k: int, i: int, form: _Affine) -> bool:
        """Replace max(0, c g) by c max(0, g), and max(0, -c g) by c (max(0, g) - g) where g may be read directly."""
        key, size = self._direction(k, form, ONE)
        same = self.directions.get(key)
        if same is not None:
            factor = size / abs(self.forms[same].terms[min(form.terms)])
            self._replace(
                k, i, self.values[same].scaled(factor), f"a multiple of unit {same[1]} of stage {same[0] - 1}"
            )
            return True
        if self.keep_chain:
            return False
        opposite = self.directions.get(self._direction(k, form, fmpq(-1))[0])
        if opposite is None:
            return False
        other = self.forms[opposite]
        factor = size / abs(other.terms[min(form.terms)])
        value = _sum([self.values[opposite], other.scaled(fmpq(-1))]).scaled(factor)
        self._replace(k, i, value, f"the opposite of unit {opposite[1]} of stage {opposite[0] - 1}")
        return True

    def _remove_dependent(self, k: int, active: Sequence[int]) -> None:
        """In a chain: active units whose weights are combinations of those of other active units of the stage."""
        columns = sorted({unit for i in active for unit in self.forms[k + 1, i].terms})
        basis: list[int] = []
        for i in active:
            form = self.forms[k + 1, i]
            combination = _combination([self.forms[k + 1, j] for j in basis], form, columns)
            if combination is None:
                basis.append(i)
                continue
            parts = [_Affine({(k + 1, j): c}, ZERO) for j, c in zip(basis, combination, strict=True) if c != 0]
            constant = form.constant
            for j, c in zip(basis, combination, strict=True):
                constant -= c * self.forms[k + 1, j].constant
            del self.forms[k + 1, i]
            value = _sum([*parts, _Affine({}, constant)])
            self._replace(k, i, value, "active on the domain and a combination of other active units")
            for unit, known in self.values.items():  # multiples of it, found before
                if unit[0] == k + 1 and (k + 1, i) in known.terms:
                    rest = {u: w for u, w in known.terms.items() if u != (k + 1, i)}
                    self.values[unit] = _sum([_Affine(rest, known.constant), value.scaled(known.terms[k + 1, i])])


def _combination(basis: Sequence[_Affine], form: _Affine, columns: Sequence[Unit]) -> list[fmpq] | None:
    """c with sum c_j basis_j = form in all weights (constants apart), or None; the basis is independent."""
    if not basis:
        return None
    matrix = fmpq_mat([[b.terms.get(u, ZERO) for b in basis] + [form.terms.get(u, ZERO)] for u in columns])
    reduced, rank = matrix.rref()
    if rank > len(basis):
        return None
    return [reduced[j, len(basis)] for j in range(len(basis))]


def _read_by_something(forms: dict[Unit, _Affine], output: Sequence[_Affine]) -> set[Unit]:
    """The units from which an output can be reached."""
    needed = {unit for row in output for unit in row.terms if unit[0] != INPUT}
    for unit in sorted(forms, reverse=True):
        if unit in needed:
            needed |= {u for u in forms[unit].terms if u[0] != INPUT}
    return needed


def _rebuild(network: Network, forms: dict[Unit, _Affine], output: Sequence[_Affine], note: str) -> Network:
    """A network of the units that stay; stages without units disappear."""
    sources = [INPUT, *sorted({k for k, _ in forms})]
    members = {k: [i for s, i in sorted(forms) if s == k] for k in sources[1:]}
    sizes = [network.input_dim, *(len(members[k]) for k in sources[1:])]
    place: dict[Unit, Unit] = {(INPUT, j): (INPUT, j) for j in range(network.input_dim)}
    for number, k in enumerate(sources[1:], 1):
        for position, i in enumerate(members[k]):
            place[k, i] = (number, position)

    def stage(rows: Sequence[_Affine]) -> AffineStage:
        blocks: dict[int, list[list[fmpq]]] = {}
        for r, row in enumerate(rows):
            for unit, w in row.terms.items():
                source, position = place[unit]
                table = blocks.setdefault(source, [[ZERO] * sizes[source] for _ in rows])
                table[r][position] = w
        return AffineStage(
            tuple((s, tuple(map(tuple, blocks[s]))) for s in sorted(blocks)), tuple(row.constant for row in rows)
        )

    stages = tuple(stage([forms[k, i] for i in members[k]]) for k in sources[1:])
    return Network(network.input_dim, stages, stage(output), None, (*network.notes, note))
