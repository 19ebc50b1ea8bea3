"""`Polyhedron`: {x : A x <= b, A_eq x = b_eq}, immutable and exact.

Questions about sets (empty? of which dimension? is this row redundant? which facet is common?) are answered by
certified linear programs; generators come from the double description method.  Both are exact, so nothing here depends
on general position: polyhedra may be empty, unbounded, lower-dimensional, the whole space, described by duplicate or
zero rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import fmpq

from polyhedra import redundancy, triangulation
from polyhedra.boxes import point_inside
from polyhedra.canonical_rows import first_positive, without_common_factor
from polyhedra.double_description import Generators, cone_generators
from polyhedra.errors import GeometryError
from polyhedra.generators import homogeneous_generators
from polyhedra.linear_program import Backend, InteriorPoint, Unbounded, check_backend, interior_of, maximize_over
from polyhedra.matrix import AffineMap, Matrix, Vector, as_matrix, as_vector, dot, nullspace, rank
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO, primitive
from polyhedra.system import IntegerRow, System, without_zero_rows


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Polyhedron:
    """The set {x in R^n : A x <= b, A_eq x = b_eq}.

    Rows are normalised at construction: each becomes the integer row without common factor that is a positive multiple
    (for equalities: the multiple whose first non-zero number is positive).  Order and number of the rows stay, so row i
    of `inequalities` is row i of A.  ``==`` and ``hash`` compare these rows, not the sets: `same_set` does that.

    Parameters
    ----------
    A, A_eq : sequences of rows of n numbers (anything that `rational` takes)
    b, b_eq : sequences of numbers
    dim : int, optional
        n, needed only where there are no rows.

    Raises
    ------
    GeometryError
        Ragged rows, a wrong number of right-hand sides, or a number that is not finite; the message names the row.

    Attributes
    ----------
    dim : int
        n, the dimension of the ambient space.
    inequalities, equalities : tuple of rows (a_1, ..., a_n, b) of fmpq
        They mean a.x <= b and a.x = b.

    Examples
    --------
    >>> triangle = Polyhedron([[-1, 0], [0, -1], [2, 2]], [0, 0, 1])
    >>> triangle.inequalities[2], triangle.volume(), triangle.vertices()
    ((2, 2, 1), 1/8, ((0, 0), (0, 1/2), (1/2, 0)))
    """

    dim: int
    inequalities: Matrix
    equalities: Matrix
    _known: dict[str, Any] = field(compare=False)

    def __init__(self, A: Any = (), b: Any = (), A_eq: Any = (), b_eq: Any = (), dim: int | None = None) -> None:
        system = System(A, b, A_eq, b_eq, dim)
        rows = [without_common_factor(row) for row in system.rows()]
        equalities = [first_positive(row) for row in rows[: system.n_equal]]
        self._set(system.dim, rows[system.n_equal :], equalities)

    def _set(self, dim: int, inequalities: Iterable[IntegerRow], equalities: Iterable[IntegerRow]) -> None:
        """Fill in primitive integer rows."""
        inequalities, equalities = list(inequalities), list(equalities)
        object.__setattr__(self, "dim", dim)
        object.__setattr__(self, "inequalities", tuple(tuple(map(fmpq, row)) for row in inequalities))
        object.__setattr__(self, "equalities", tuple(tuple(map(fmpq, row)) for row in equalities))
        system = System.of_integer_rows([*equalities, *inequalities], len(equalities), dim)
        object.__setattr__(self, "_known", {"system": system})

    @classmethod
    def of_integer_rows(
        cls, inequalities: Iterable[Sequence[int]], equalities: Iterable[Sequence[int]] = (), *, dim: int
    ) -> Polyhedron:
        """Trust rows (a_1, ..., a_n, b) of Python integers, not necessarily primitive: the fast way in."""
        polyhedron = cls.__new__(cls)
        polyhedron._set(
            dim,
            map(without_common_factor, inequalities),
            (first_positive(without_common_factor(row)) for row in equalities),
        )
        return polyhedron

    def __reduce__(self) -> tuple[Any, ...]:
        system = self.system
        rows = system.rows()
        return _restore, (self.dim, tuple(rows[system.n_equal :]), tuple(rows[: system.n_equal]))

    def __repr__(self) -> str:
        n, m, k = self.dim, len(self.inequalities), len(self.equalities)
        rows = f"{counted(m, 'inequality', 'inequalities')}, {counted(k, 'equality', 'equalities')}"
        return f"<Polyhedron in R^{n}: {rows}>"

    # Constructors

    @classmethod
    def space(cls, dim: int) -> Polyhedron:
        """All of R^dim."""
        return cls.of_integer_rows((), dim=dim)

    @classmethod
    def empty(cls, dim: int) -> Polyhedron:
        """The empty set in R^dim, described by 0 <= -1."""
        return cls.of_integer_rows([(*(0,) * dim, -1)], dim=dim)

    @classmethod
    def box(cls, lower: Iterable[Any], upper: Iterable[Any]) -> Polyhedron:
        """The box lower <= x <= upper, one bound a coordinate.

        Examples
        --------
        >>> Polyhedron.box([0, 0], [1, 2]).volume()
        2
        """
        low = as_vector(lower, name="lower bounds")
        high = as_vector(upper, len(low), "upper bounds")
        n = len(low)
        ends = [(j, -1, -low[j]) for j in range(n)] + [(j, 1, high[j]) for j in range(n)]
        rows = ((*(0,) * j, sign * int(b.q), *(0,) * (n - 1 - j), int(b.p)) for j, sign, b in ends)
        return cls.of_integer_rows(rows, dim=n)

    @classmethod
    def from_generators(
        cls,
        vertices: Iterable[Iterable[Any]],
        rays: Iterable[Iterable[Any]] = (),
        lines: Iterable[Iterable[Any]] = (),
        dim: int | None = None,
    ) -> Polyhedron:
        """The convex hull of the vertices plus the cone of the rays plus the span of the lines; irredundant.

        Parameters
        ----------
        vertices, rays, lines : sequences of points or vectors
            Without vertices the set is empty, and then there may be no rays and lines either.
        dim : int, optional
            n, needed only where there are no vertices.

        Examples
        --------
        >>> Polyhedron.from_generators([[0, 0]], rays=[[1, 0], [1, 1]]).inequalities
        ((-1, 1, 0), (0, -1, 0))
        """
        points = as_matrix(vertices, dim, "vertices")
        if points:
            dim = len(points[0])
        directions, spans = as_matrix(rays, dim, "rays"), as_matrix(lines, dim, "lines")
        if not points:
            if directions or spans:
                raise GeometryError("rays and lines alone are no polyhedron: give a vertex, for a cone its apex")
            if dim is None:
                raise GeometryError("no generators: give dim for the empty set")
            return cls.empty(dim)
        assert dim is not None
        cone = cone_generators(
            dim + 1,
            [(0, *primitive(line)) for line in spans],
            [primitive((ONE, *point)) for point in points] + [(0, *primitive(ray)) for ray in directions],
        )
        # h0 + h.x >= 0 for the rays h of the dual cone, h0 + h.x = 0 for its lines
        inequalities = [(*(-a for a in h[1:]), h[0]) for h in cone.rays if any(h[1:])]
        equalities = [(*(-a for a in h[1:]), h[0]) for h in cone.lines]
        return cls.of_integer_rows(sorted(inequalities), equalities, dim=dim)

    # Rows

    @property
    def system(self) -> System:
        """The rows, prepared for linear programs; equalities come first."""
        return self._known["system"]

    @property
    def A(self) -> Matrix:
        """The coefficients of the inequalities."""
        return tuple(row[:-1] for row in self.inequalities)

    @property
    def b(self) -> Vector:
        """The right-hand sides of the inequalities."""
        return tuple(row[-1] for row in self.inequalities)

    @property
    def A_eq(self) -> Matrix:
        """The coefficients of the equalities."""
        return tuple(row[:-1] for row in self.equalities)

    @property
    def b_eq(self) -> Vector:
        """The right-hand sides of the equalities."""
        return tuple(row[-1] for row in self.equalities)

    # Points and dimension

    def contains(self, x: Iterable[Any], strict: bool = False) -> bool:
        """Whether a point belongs to the set; with `strict`, whether it satisfies the inequalities strictly."""
        point = as_vector(x, self.dim, "point")
        if any(dot(row[:-1], point) != row[-1] for row in self.equalities):
            return False
        slacks = [row[-1] - dot(row[:-1], point) for row in self.inequalities]
        return all(s > 0 for s in slacks) if strict else all(s >= 0 for s in slacks)

    def _relative_interior(self) -> redundancy.RelativeInterior:
        known = self._known.get("relative interior")
        if known is None:
            known = self._known["relative interior"] = redundancy.relative_interior(self.system)
        return known

    def is_empty(self, *, backend: Backend = "certified") -> bool:
        """Whether no point satisfies all rows."""
        return self.dimension(backend=backend) < 0

    def dimension(self, *, backend: Backend = "certified") -> int:
        """The dimension of the affine hull; -1 for the empty set.

        Parameters
        ----------
        backend : "certified" or "cdd"
            "cdd" asks pycddlib, a second witness; its answers are taken with their certificates only.
        """
        if check_backend(backend) == "cdd":
            from polyhedra import cdd_polyhedra

            return cdd_polyhedra.dimension(self.system)
        return self._relative_interior().dimension

    def is_full_dimensional(self, *, backend: Backend = "certified") -> bool:
        """Whether the set has interior points in R^n."""
        if backend == "certified" and not self.equalities and "relative interior" not in self._known:
            if point_inside(self.system) is not None:
                return True
            answer = interior_of(self.system)
            if isinstance(answer, InteriorPoint):
                return True
            weighted = zip(answer.multipliers, self.inequalities, strict=True)
            if any(weight and any(row[:-1]) for weight, row in weighted):
                return False  # such a row holds with equality everywhere, or the set is empty
        return self.dimension(backend=backend) == self.dim

    def interior_point(self) -> Vector | None:
        """An exact point of the relative interior, or None for the empty set."""
        return self._relative_interior().point

    def affine_hull(self) -> Polyhedron:
        """The affine hull, as a polyhedron with equalities in reduced echelon form only."""
        inner = self._relative_interior()
        if inner.point is None:
            return Polyhedron.empty(self.dim)
        return Polyhedron.of_integer_rows((), inner.hull, dim=self.dim)

    def implicit_equalities(self) -> frozenset[int]:
        """The rows, by number in `system`, that hold with equality on the whole set (all of them if it is empty)."""
        return self._relative_interior().implicit

    # Sets from sets

    def intersection(self, *others: Polyhedron) -> Polyhedron:
        """The common points; the rows of all, in the order given."""
        inequalities, equalities = [], []
        for polyhedron in (self, *others):
            if polyhedron.dim != self.dim:
                raise GeometryError(f"polyhedra in R^{self.dim} and R^{polyhedron.dim} have no intersection")
            rows, k = polyhedron.system.rows(), polyhedron.system.n_equal
            equalities += rows[:k]
            inequalities += rows[k:]
        return _restore(self.dim, tuple(inequalities), tuple(equalities))

    def irredundant(self, *, backend: Backend = "certified") -> Polyhedron:
        """The canonical description: the same set has the same rows, whatever it was described by.

        Equalities span the affine hull in reduced echelon form; each inequality defines one facet, with the pivot
        variables of the equalities eliminated; inequalities are sorted.
        """
        check_backend(backend)
        name = f"irredundant by {backend}"
        if name not in self._known:
            if backend == "cdd":
                from polyhedra import cdd_polyhedra

                described = cdd_polyhedra.irredundant(self.system)
            else:
                described = redundancy.irredundant(self.system, self._relative_interior())
            if described is None:
                self._known[name] = Polyhedron.empty(self.dim)
            else:
                self._known[name] = Polyhedron.of_integer_rows(described[0], described[1], dim=self.dim)
        return self._known[name]

    def translate(self, vector: Iterable[Any]) -> Polyhedron:
        """The set moved by a vector."""
        shift = as_vector(vector, self.dim, "translation")
        return Polyhedron(
            self.A,
            [row[-1] + dot(row[:-1], shift) for row in self.inequalities],
            self.A_eq,
            [row[-1] + dot(row[:-1], shift) for row in self.equalities],
            dim=self.dim,
        )

    def preimage(self, affine_map: AffineMap) -> Polyhedron:
        """{x : M x + c in the set}; one row for each row of the set."""
        if affine_map.output_dim != self.dim:
            raise GeometryError(f"the map leads to R^{affine_map.output_dim}, the polyhedron lies in R^{self.dim}")
        columns = list(zip(*affine_map.matrix, strict=True)) if affine_map.matrix else [()] * affine_map.input_dim

        def pulled_back(rows: Matrix) -> tuple[list[list[fmpq]], list[fmpq]]:
            coefficients = [[dot(row[:-1], column) for column in columns] for row in rows]
            return coefficients, [row[-1] - dot(row[:-1], affine_map.offset) for row in rows]

        return Polyhedron(*pulled_back(self.inequalities), *pulled_back(self.equalities), affine_map.input_dim)

    def image(self, affine_map: AffineMap) -> Polyhedron:
        """{M x + c : x in the set}, through its generators."""
        if affine_map.input_dim != self.dim:
            raise GeometryError(f"the map begins in R^{affine_map.input_dim}, the polyhedron lies in R^{self.dim}")
        linear = AffineMap(affine_map.matrix, (ZERO,) * affine_map.output_dim, self.dim)
        return Polyhedron.from_generators(
            [affine_map(x) for x in self.vertices()],
            [linear(x) for x in self.rays()],
            [linear(x) for x in self.lines()],
            dim=affine_map.output_dim,
        )

    # Generators

    def _generators(self, backend: Backend = "certified") -> Generators:
        """Generators of the cone over the set: vectors (w, x), homogeneous coordinate first; incidence bit i is row i.

        The bit after the last inequality belongs to w >= 0.
        """
        name = f"generators by {check_backend(backend)}"
        if name not in self._known:
            if backend == "cdd":
                from polyhedra import cdd_polyhedra

                self._known[name] = cdd_polyhedra.generators(self.system)
            else:
                self._known[name] = homogeneous_generators(self.system)
        return self._known[name]

    def vertices(self, *, backend: Backend = "certified") -> Matrix:
        """The vertices, sorted; where there are lines, one point of each minimal face."""
        generators = self._generators(backend)
        return tuple(sorted(tuple(fmpq(x, ray[0]) for x in ray[1:]) for ray in generators.rays if ray[0]))

    def rays(self, *, backend: Backend = "certified") -> Matrix:
        """The extreme rays as primitive integer vectors, sorted; where there are lines, modulo them."""
        generators = self._generators(backend)
        if not any(ray[0] for ray in generators.rays):
            return ()
        return tuple(sorted(tuple(map(fmpq, ray[1:])) for ray in generators.rays if not ray[0]))

    def lines(self, *, backend: Backend = "certified") -> Matrix:
        """A basis of the lineality space, as primitive integer vectors."""
        generators = self._generators(backend)
        if not any(ray[0] for ray in generators.rays):
            return ()
        return tuple(tuple(map(fmpq, line[1:])) for line in generators.lines)

    def lineality_space(self) -> Matrix:
        """A basis of {u : A u = 0, A_eq u = 0}, found without generators."""
        return nullspace((*self.A, *self.A_eq), self.dim)

    def is_bounded(self) -> bool:
        """Whether the set is bounded (the empty set is)."""
        if self.dim == 0:
            return True
        rows = self.system.rows()
        if rank(tuple(tuple(map(fmpq, row[:-1])) for row in rows)) < self.dim:
            return self.is_empty()
        # without lines the recession cone {A u <= 0, A_eq u = 0} is 0 iff the sum of -A u is bounded on it
        cone = System.of_integer_rows([(*row[:-1], 0) for row in rows], self.system.n_equal, self.dim)
        objective = tuple(fmpq(-sum(row[j] for row in rows[self.system.n_equal :])) for j in range(self.dim))
        return not isinstance(maximize_over(cone, objective), Unbounded) or self.is_empty()

    def volume(self) -> fmpq | None:
        """The exact n-dimensional volume: 0 for sets of lower dimension, None where it is infinite.

        Examples
        --------
        >>> Polyhedron.box([0, 0, 0], [1, 2, "1/3"]).volume()
        2/3
        """
        if not self.is_full_dimensional():
            return ZERO
        if not self.is_bounded():
            return None
        generators = self._generators()
        points = [tuple(fmpq(x, ray[0]) for x in ray[1:]) for ray in generators.rays]
        return triangulation.volume(points, generators.incidences, self.dim)

    # Two polyhedra

    def meets(self, other: Polyhedron) -> bool:
        """Whether the two sets have a common point."""
        return not self.intersection(other).is_empty()

    def same_set(self, other: Polyhedron) -> bool:
        """Whether the two are equal as sets."""
        return self.dim == other.dim and self.irredundant() == other.irredundant()

    def common_facet(self, other: Polyhedron) -> Polyhedron | None:
        """An (n-1)-dimensional common piece of the boundaries of two full-dimensional polyhedra, or None.

        The piece lies on a hyperplane that carries a facet of both, from either side.  For convex cells with disjoint
        interiors there is at most one; in general the first found is returned.

        Examples
        --------
        >>> left, right = Polyhedron.box([0, 0], [1, 1]), Polyhedron.box([1, "1/2"], [2, 3])
        >>> left.common_facet(right).vertices()
        ((1, 1/2), (1, 1))
        """
        if other.dim != self.dim:
            raise GeometryError(f"polyhedra in R^{self.dim} and R^{other.dim} have no common facet")
        mine, theirs = self.system.rows(), other.system.rows()
        planes = {first_positive(row) for row in theirs[other.system.n_equal :] if any(row[:-1])}
        tried = set()
        for row in mine[self.system.n_equal :]:
            plane = first_positive(row)
            if plane not in planes or plane in tried or not any(row[:-1]):
                continue
            tried.add(plane)
            strict = without_zero_rows(r for r in (*mine, *theirs) if first_positive(r) != plane)
            system = System.of_integer_rows([plane, *strict], 1, self.dim)
            if isinstance(interior_of(system), InteriorPoint):
                return Polyhedron.of_integer_rows(strict, [plane], dim=self.dim)
        return None


def _restore(dim: int, inequalities: tuple[IntegerRow, ...], equalities: tuple[IntegerRow, ...]) -> Polyhedron:
    """Rebuild a polyhedron from rows that are already in normal form."""
    polyhedron = Polyhedron.__new__(Polyhedron)
    polyhedron._set(dim, inequalities, equalities)
    return polyhedron
