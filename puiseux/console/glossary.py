"""The terms and their meanings, each with a small example that runs: the pages of ``puiseux explain``."""

from __future__ import annotations

from dataclasses import dataclass

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted
from puiseux.console.suggestions import nearest
from puiseux.console.topic_names import OTHER_NAMES


@dataclass(frozen=True, slots=True)
class Topic:
    """One term.

    Attributes
    ----------
    name : str
    summary : str
        One line.
    text : str
        A few sentences.
    example : str
        Lines for Python with what they print, or empty.
    see : tuple of str
        Related topics.
    """

    name: str
    summary: str
    text: str
    example: str = ""
    see: tuple[str, ...] = ()


_TENT = "tent = puiseux.Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])"

_TOPICS = (
    Topic(
        "cells",
        "activation cells: where the same units are active",
        "A cell is a full-dimensional set of inputs on which every ReLU unit is either active (its value "
        "before the ReLU is above 0) or not. On a cell the network is affine. A unit that is identically 0 on "
        "a cell counts as inactive there, so each cell has one pattern. Two cells can have the same affine "
        "map: x = relu(x) - relu(-x) has two cells and is linear.",
        """\
>>> net = puiseux.Network.from_layers([[[1], [-1]], [[1, -1]]])
>>> puiseux.count_regions(net).cells, puiseux.count_regions(net).regions
(2, 1)""",
        ("regions", "pattern", "hyperplane"),
    ),
    Topic(
        "regions",
        "linear regions: cells with one affine map, joined across facets",
        "A linear region is a connected set of inputs on which the network is one affine function: cells with "
        "the same affine map (of all outputs together; --output K takes one) are joined where they share a "
        "facet. This is the usual meaning of the number of linear regions. Two far apart pieces with the same "
        "map are two regions.",
        f"""\
>>> {_TENT}
>>> puiseux.count_regions(tent).regions
3""",
        ("cells", "regions_by_point", "affine_maps"),
    ),
    Topic(
        "regions_by_point",
        "linear regions that may be joined in a single point",
        "Like regions, but cells with the same affine map are joined where their closures share any point, as "
        "in the published Algorithm 4. Never more than regions. max(x1, x2, x1+x2) - max(0, x1, x2) is x1, x2 "
        "and 0 in two opposite sectors each, which meet in the origin: 6 regions, 3 by point.",
        """\
>>> from nn_bridge.symbolic.realize import realize
>>> from tropical.parsing import parse
>>> found = puiseux.count_regions(realize([parse("max(x1, x2, x1 + x2) - max(0, x1, x2)")]))
>>> found.regions, found.regions_by_point
(6, 3)""",
        ("regions", "affine_maps"),
    ),
    Topic(
        "affine_maps",
        "distinct affine maps, wherever they occur",
        "How many different affine functions the network consists of. A function that comes back in another "
        "place counts once, so this is never more than regions_by_point.",
        """\
>>> net = puiseux.Network.from_layers([[[1]] * 4, [[1, -1, -1, 1]]], [[0, -1, -2, -3], [0]])  # up, flat, down, flat
>>> puiseux.count_regions(net).regions, puiseux.count_regions(net).affine_maps
(5, 4)""",
        ("regions", "regions_by_point"),
    ),
    Topic(
        "patterns_any_dimension",
        "activation patterns of sets of any dimension",
        "The number of activation patterns that occur at all, also on lower-dimensional sets such as a single "
        "line (active means above 0). At least as many as cells. See it with: puiseux count net.npz --definitions",
        """\
>>> [found.text for found in puiseux.patterns_of_any_dimension([[[1], [-1]], [[1, 1]]])]
['00', '01', '10']""",
        ("pattern", "cells"),
    ),
    Topic(
        "convex",
        "the fewest convex pieces on which the network is affine",
        "A linear region need not be convex. The fewest convex pieces are at least as many as regions and at most as "
        "many as cells, and are given as an interval: pieces above, and below points of one affine map of which no "
        "two lie in one convex piece. Pieces that meet face to face may have to be more. See it with: puiseux count "
        "net.npz --definitions",
        """\
>>> found = puiseux.convex_regions([[[0, 1], [-1, 1], [0, -1]], [[1, -1, -1]], [[1]]])  # max(0, min(x1, x2))
>>> found.regions, found.lower, found.upper, found.cells
(3, 4, 4, 5)""",
        ("regions", "cells"),
    ),
    Topic(
        "pattern",
        "which units are active at an input",
        "An activation pattern says for each unit whether its value before the ReLU is above 0. Texts have "
        "one digit a unit and a bar between stages: 10|01.",
        f"""\
>>> {_TENT}
>>> tent.pattern(["1/4"])
((True, False),)""",
        ("cells", "stage"),
    ),
    Topic(
        "hyperplane",
        "where a unit is 0: straight in the first layer, bent behind it",
        "A unit of the first layer is 0 on a hyperplane. A unit of a later layer is 0 on a surface that bends "
        "where it crosses the hyperplanes of earlier layers. These bent hyperplanes cut the input space into "
        "cells. The outputs are no hyperplanes: they cut nothing. See them with: puiseux plot net.npz --kind "
        "hyperplanes -o layers.png",
        see=("cells", "dual_graph"),
    ),
    Topic(
        "facet",
        "a side of a cell, one dimension lower",
        "Two cells are neighbours if they share a facet: in the plane an edge, in space a polygon. Cells that "
        "only meet in a corner are no neighbours.",
        see=("dual_graph", "regions"),
    ),
    Topic(
        "dual_graph",
        "a node for each cell, an edge for each common facet",
        "Neighbouring cells are joined by an edge. See it with: puiseux plot net.npz --kind dual -o dual.png",
        f"""\
>>> {_TENT}
>>> graph = puiseux.dual_graph(tent)  # puiseux.save_graph writes it as GraphML or GEXF
>>> graph.number_of_edges(), sorted(graph.nodes[0])
(2, ['affine_map', 'bounded', 'facets', 'pattern', 'point', 'volume'])""",
        ("facet", "cells"),
    ),
    Topic(
        "decision_boundary",
        "where the two highest outputs tie, or one output is 0",
        "puiseux.decision_boundary(net) gives the polyhedra of the boundary exactly, with the classes on either side; "
        "puiseux.topology(net, boundary=(0, 1)) its components and holes ('puiseux topology NET --boundary 0,1'); "
        "puiseux.level_set(net, 'box:-1,1') is a mesh in floating point for large networks.",
        """\
>>> net = puiseux.Network.from_layers([[[1, 0], [0, 1], [0, 0]]])  # the largest of x1, x2 and 0 wins
>>> len(puiseux.decision_boundary(net).pieces)
3""",
        ("topology", "facet"),
    ),
    Topic(
        "domain",
        "where to look: all of R^n, a box, a polyhedron, a slice",
        "all; box:LO,HI (one interval for every input) or box:LO1,HI1;LO2,HI2;..; polyhedron:FILE (A x <= b); "
        "slice:FILE (a plane through a larger input space). Numbers are exact decimals or fractions: 0.1 is "
        "1/10. Only cells with a full-dimensional part in the domain count.",
        f"""\
>>> {_TENT}
>>> puiseux.count_regions(tent, "box:0,1/4").regions
1""",
        ("slice", "cells"),
    ),
    Topic(
        "slice",
        "a line or plane through a larger input space",
        "On a slice origin + t1 d1 + t2 d2 a network with many inputs becomes one with two, which can be "
        "counted and drawn: --domain slice:FILE, or puiseux plot --through POINTS for the plane through three "
        "inputs.",
        see=("domain",),
    ),
    Topic(
        "exact",
        "a theorem about the weights in the file, not an estimate",
        "Every weight is read as the rational number that its floating-point form is. Each decision that a "
        "count rests on is taken in rational arithmetic, or in floating point with a proven error bound. "
        "There is no tolerance, so parallel, coinciding or touching hyperplanes are counted right. JSON says "
        "exact: true.",
        """\
>>> puiseux.rational(0.1) == puiseux.rational("1/10")  # a float is what it is, not what was typed
False""",
        ("engines", "certificate"),
    ),
    Topic(
        "engines",
        "four independent ways to count",
        "cells: exact subdivision of the input space, the default and the fastest. tropical: max-plus "
        "polynomials, for small networks. sign-vectors: vertices and edges in floating point with proven "
        "signs, on a box; it says where it cannot vouch for a number. milp: mixed-integer programs with a "
        "solver, on a box, not proven. puiseux crosscheck runs them side by side.",
        f"""\
>>> {_TENT}
>>> [puiseux.count_regions(tent, engine=name).regions for name in ("cells", "tropical")]
[3, 3]""",
        ("exact", "cells"),
    ),
    Topic(
        "certificate",
        "a proof of a count that another program can check",
        "puiseux count net.npz --certificate net.cert writes down why the numbers are right: the tree of "
        "cells with an exact witness for each decision. puiseux verify net.cert checks it with whole-number "
        "arithmetic alone.",
        see=("exact",),
    ),
    Topic(
        "property",
        "what a verifier is asked: can some input satisfy these assertions?",
        "A VNN-LIB file describes inputs and outputs that must not occur together. The property is PROVEN where no "
        "input, with the network's outputs there, satisfies the assertions ('unsat'), and VIOLATED where one does "
        "('sat'); the counterexample is exact, so that no tolerance decides. 'puiseux property NETWORK SPEC' says "
        "which, or OPEN where a limit came first; --witness replays a counterexample of another program exactly and "
        "as float32 and float64 would compute it.",
        """\
>>> from milp.vnnlib import parse_vnnlib
>>> spec = parse_vnnlib('(declare-const X_0 Real) (declare-const Y_0 Real)'
...     '(assert (>= X_0 -1)) (assert (<= X_0 2)) (assert (>= Y_0 3))')
>>> puiseux.check_property([[[1], [-1]], [[1, 1]]], spec).verdict  # |x| stays below 3
'PROVEN'""",
        ("domain", "exact", "lipschitz"),
    ),
    Topic(
        "lipschitz",
        "the greatest ratio of a change of the outputs to a change of the inputs",
        "The Lipschitz constant on a domain is the greatest norm of an affine map among its cells. The norms of "
        "inputs and outputs are 1, 2 or inf; the constant is rational, or the root of a rational, or of the largest "
        "root of a polynomial (from 2 to 2 with several outputs). 'puiseux lipschitz NETWORK' computes it exactly "
        "with a point inside a cell where it is attained; on a slice distances are those of the parameters, or of "
        "the inputs.",
        """\
>>> puiseux.lipschitz([[[1, 1], [1, -1]], [[1, 2]]]).constant  # relu(x + y) + 2 relu(x - y)
4""",
        ("cells", "slice", "affine_maps"),
    ),
    Topic(
        "injective",
        "do two inputs have the same outputs? is every output reached?",
        "A network is injective on a domain where no two inputs have the same outputs, and onto where every output is "
        "that of some input: every point of R^m with m outputs, or of the orthant (all coordinates at least 0) where "
        "each output is a ReLU unit. 'puiseux injective NETWORK --onto' decides both exactly, by pairs of cells, and "
        "gives two inputs with the same outputs, or an output that is missed.",
        """\
>>> puiseux.injective([[[1], [-1]], [[2, -1]]]).injective, puiseux.injective([[[1], [-1]], [[1, 1]]]).injective
(True, False)""",
        ("cells", "affine_maps"),
    ),
    Topic(
        "topology",
        "components and holes of decision regions: Betti numbers",
        "The Betti numbers of a set of inputs count its connected components, then its holes of dimension 1, 2, ... "
        "'puiseux topology NETWORK' computes them exactly for the set where an output is at least, at most or equal to "
        "a level, for class regions and their boundaries, closed or open. A set that reaches to infinity is not cut "
        "off; with --compactify one point at infinity is added, and parts that reach there hang together. "
        "--persistence tells at which levels components and holes appear and vanish, --critical-points where.",
        """\
>>> net = [[[1], [-1]], [[1, 1]]]  # |x|
>>> puiseux.topology(net, level=1).betti, puiseux.topology(net, level=1, compactify=True).betti
((2, 0), (1, 0))""",
        ("cells", "regions", "domain"),
    ),
    Topic(
        "persistence",
        "at which levels components and holes of {f <= t} appear and vanish",
        "The sublevel sets {f <= t} of an output grow with t. A pair of levels says where a component or a hole "
        "appears and where it vanishes; -inf: it is there at all low levels, inf: it never vanishes. 'puiseux topology "
        "NETWORK --persistence' lists them exactly. --critical-points lists the vertices and flat parts at which the "
        "topology changes, with the index (0: a component appears, 1: two join or a loop closes, ..) and the jump of "
        "the Euler characteristic.",
        f"""\
>>> {_TENT}
>>> [(pair.birth, pair.death) for pair in puiseux.topology(tent, persistence=True).pairs]  # None: -inf, inf
[(None, None), (0, 1)]""",
        ("topology",),
    ),
    Topic(
        "polynomial",
        "a max-plus polynomial: the maximum of affine functions",
        "In max-plus (tropical) algebra the sum of two numbers is their maximum and the product their sum, so "
        "a polynomial is a maximum of affine functions, its terms or monomials. A Puiseux polynomial may have "
        "rational exponents. It is convex and piecewise linear.",
        """\
>>> from tropical.parsing import parse
>>> parse("max(2x1, x1 + 1, 0)").numerator([3])
6""",
        ("monomial", "rational_map"),
    ),
    Topic(
        "rational_map",
        "a difference of two max-plus polynomials: every ReLU network is one",
        "A tropical (Puiseux) rational map is numerator minus denominator, both max-plus polynomials. Each "
        "output of a ReLU network is one, exactly: puiseux simplify finds a short pair.",
        f"""\
>>> {_TENT}
>>> print(puiseux.simplify(tent))
max(2x1, 0) - max(4x1 - 2, 0)""",
        ("polynomial", "monomial"),
    ),
    Topic(
        "monomial",
        "one affine term of a max-plus polynomial",
        "A monomial a.x + c has the exponent a and the coefficient c. native counts the terms of the "
        "expansion of the network before equal exponents are merged; pruned counts those left when no "
        "redundant term remains. A term is redundant if it is nowhere the only maximum.",
        """\
>>> from tropical.parsing import parse
>>> from tropical.pruning import prune
>>> len(prune(parse("max(2x1, x1, 0)").numerator))  # x1 is never above both others
2""",
        ("polynomial", "newton_polytope"),
    ),
    Topic(
        "newton_polytope",
        "the convex hull of a polynomial's exponents",
        "Its lifted form, with the coefficients as heights, tells which terms are redundant: those on or "
        "under the upper hull of the others. Its upper hull projects to the dual subdivision.",
        """\
>>> from tropical.newton import newton_vertices
>>> from tropical.parsing import parse
>>> newton_vertices(parse("max(2x1, x1, 0)").numerator)
((0,), (2,))""",
        ("monomial",),
    ),
    Topic(
        "tropical_curve",
        "where a maximum of affine functions bends, and the dual subdivision of its Newton polygon",
        "The curve of a polynomial in two variables is where its largest term is reached twice: edges with weights "
        "between the regions of the terms. Each vertex of the curve is a polygon of the dual subdivision, each edge an "
        "edge at right angles to it. 'puiseux plot \"max(0, x, y)\" -o curve.png' draws both, in Python "
        "puiseux.plot_dual_pair.",
        """\
>>> f = puiseux.PuiseuxPolynomial("max(0, x, y, x + y - 1)")
>>> from tropical.newton import dual_subdivision
>>> len(dual_subdivision(f).cells)
2""",
        ("newton_polytope", "polynomial"),
    ),
    Topic(
        "hoffman",
        "Hoffman constant: how far a point can be from a region, per violation of its inequalities",
        "The smallest H such that the distance (maximum norm) of x from {A x <= b} is at most H times the "
        "largest violation, for all x and b with a solution. It gives a radius: a ball about 0 that meets the "
        "closure of every region, so that sampling in it can find them all. puiseux hoffman net.npz prints "
        "both.",
        """\
>>> from tropical.hoffman import hoffman_constant
>>> hoffman_constant([[2]]).value  # 2 x <= b violated by v: the distance is v / 2
1/2""",
        ("polynomial", "regions"),
    ),
    Topic(
        "bounds",
        "how many regions a network of some size can have",
        "Upper bounds hold for every network of an architecture (some read the weights), lower bounds for "
        "some network of it. Upper bounds are often far above the truth. puiseux bounds net.npz prints them "
        "around the exact count.",
        """\
>>> from nn_bridge.expressivity.bound_formulas import arrangement
>>> arrangement(3, 2)  # three lines cut the plane into at most 7 parts
7""",
        ("cells", "regions"),
    ),
    Topic(
        "estimate",
        "about how many cells there are, between proven bounds, where there are too many to count",
        "'puiseux count NETWORK --estimate SECONDS' goes down the tree of cells at random (descents) and counts some "
        "subtrees whole. The estimate is unbiased, its interval is statistical (99 % confidence); the bounds "
        "around it are proven, and where all cells were counted in time the number is exact.",
        f"""\
>>> {_TENT}
>>> found = puiseux.estimate_cells(tent, rng=0)
>>> found.lower, found.estimate, found.upper, found.exact
(3, 3.0, 3, True)""",
        ("cells", "bounds", "exact"),
    ),
    Topic(
        "statistics",
        "sizes and neighbours of regions: volume, inradius, facets, diameter",
        "'puiseux statistics NETWORK' measures regions, or cells with --by cells. The volume of a bounded piece is "
        "exact; the lower median is the lower of the two in the middle, where their number is even. The inradius is "
        "that of the largest ball inside. Neighbours of a cell share a facet with it; the diameter is the greatest "
        "number of facets that must be crossed from one cell to another.",
        f"""\
>>> {_TENT}
>>> [str(region.volume) for region in puiseux.region_statistics(tent, "box:0,1")]
['1/2', '1/2']""",
        ("regions", "facet", "dual_graph"),
    ),
    Topic(
        "stage",
        "the normal form: stages of ReLU units",
        "Every network is turned into stages of units max(0, w.[x, earlier units] + b), outputs affine in the "
        "input and all units. Leaky ReLU, max-pooling, maxout, residual connections become such units "
        "exactly. A max of k pieces has the cells of its units, which can be finer than its k pieces; regions "
        "and affine_maps do not depend on that.",
        see=("cells", "pattern"),
    ),
    Topic(
        "generic",
        "general position: no more hyperplanes through a point than there are dimensions",
        "Trained networks are often generic; zero biases, integer weights and dead or duplicate units are "
        "not. The engine cells needs no general position. The engine sign-vectors says where it is missing.",
        see=("exact", "engines"),
    ),
)

TOPICS = {topic.name: topic for topic in _TOPICS}


def topic(name: str) -> Topic:
    """The topic of a name, spelled with any case, hyphens or spaces; plural and singular alike.

    Raises
    ------
    UsageError
        There is no such topic; the message suggests the nearest.

    Examples
    --------
    >>> topic("Linear regions").name
    'regions'
    """
    key = "_".join(name.lower().replace("-", " ").replace("_", " ").split())
    key = OTHER_NAMES.get(key, key)
    if key in TOPICS:
        return TOPICS[key]
    found = nearest(key, [*TOPICS, *OTHER_NAMES])
    meant = f"did you mean {quoted(OTHER_NAMES.get(found, found))}? " if found else ""
    raise UsageError(f"there is nothing to explain about {quoted(name)}; {meant}'puiseux explain' lists the topics")
