"""The public functions: every dialect of domains and models, real signatures, types that a user's checker sees."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import milp
import puiseux
from polyhedra.errors import PuiseuxError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from puiseux import api
from puiseux.domains import pose

NET = [([[1, 0], [0, 1], [1, 1]], [0, 0, -1]), ([[1, 1, -1]], [0])]
BOX = Polyhedron.box([-1, -1], [1, 2])
DIALECTS: dict[str, Any] = {
    "text": "box:-1,1;-1,2",
    "polyhedron": BOX,
    "two arrays": (np.array([-1.0, -1.0]), np.array([1.0, 2.0])),
    "a number and a list": (-1, [1, 2]),
    "tuples": ((-1, 1), (-1, 2)),
    "pairs": [(-1, 1), (-1, 2)],
    "an array of pairs": np.array([[-1, 1], [-1, 2]]),
    "fractions": [(rational("-1"), 1), ("-1", "2")],
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_function_takes_every_dialect_of_a_domain(dialect: str) -> None:
    domain = DIALECTS[dialect]
    assert puiseux.count_regions(NET, domain).cells == 6
    assert sum(1 for _ in puiseux.iterate_cells(NET, domain)) == 6
    assert puiseux.cell_complex(NET, domain).cells == 6
    assert len(puiseux.dual_graph(NET, domain)) == 6
    assert sum(1 for _ in puiseux.region_statistics(NET, domain, by="cells")) == 6
    assert puiseux.extract_sign_vectors([([[1, 2], [3, -1]], ["1/3", "1/5"]), [[1, 1]]], domain).count_cells() == 4
    assert len(puiseux.level_set([([[1, 2], [3, -1]], ["1/3", "1/5"]), [[1, 1]]], domain, "1/7")) > 0


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ((0,), "one for each of the 2"),
        ([(-1, 1)], "one for each of the 2"),
        ([(-1, 1, 2), (0, 1)], "is no pair"),
        ([(-1, 1), (1, 1)], "low < high"),
        ((0, float("nan")), "finite"),
        (([0, 0, 0], 1), "one for each of the 2"),
        ({"low": 0}, "one for each of the 2"),
        (5, "not int"),
    ],
)
def test_a_wrong_domain_is_refused_in_one_line(domain: Any, message: str) -> None:
    with pytest.raises(puiseux.UsageError, match=message) as caught:
        puiseux.count_regions(NET, domain)
    assert "\n" not in str(caught.value)


def test_floats_stand_for_their_exact_values() -> None:
    problem = pose(puiseux.as_network([[[1.0]]]), (0, 0.1))
    assert problem.text == f"box:0,{rational(0.1).p}/{rational(0.1).q}"


def test_functions_that_need_a_bounded_domain_say_so() -> None:
    for function in (puiseux.level_set, puiseux.extract_sign_vectors):
        with pytest.raises(puiseux.PuiseuxError, match="bounded"):
            function(NET, None)


def test_one_output_alone() -> None:
    two = [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]
    assert puiseux.cell_complex(two).region_count == 4
    assert puiseux.cell_complex(two, output=0).region_count == 2


def test_without_a_seed_one_is_drawn_and_remembered() -> None:
    pytest.importorskip("torch", reason="sampling regions needs torch")
    found = puiseux.sample_regions(NET, n_samples=200, cube=2)
    assert found.seed is not None
    assert puiseux.sample_regions(NET, n_samples=200, cube=2, rng=found.seed) == found
    drawn = puiseux.random_network([2, 3, 1])
    seed = int(drawn.notes[0].rsplit(" ", 1)[1])
    assert puiseux.random_network([2, 3, 1], rng=seed) == drawn


def test_public_names_have_real_signatures() -> None:
    for name in puiseux.__all__:
        value = getattr(puiseux, name)
        if not inspect.isfunction(value):
            continue
        for parameter in inspect.signature(value).parameters.values():
            assert parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD), f"{name}: {parameter}"
            assert parameter.annotation is not parameter.empty, f"{name}: {parameter}"
        assert inspect.signature(value).return_annotation is not inspect.Signature.empty, name
        assert value.__doc__, name
    assert set(puiseux.__all__) >= {
        name for name, value in vars(api).items() if inspect.isfunction(value) and value.__module__ == api.__name__
    } - {
        "_posed",
        "_bounded",
    }


PROGRAM = """
import milp
import puiseux
net = puiseux.load("net.npz")
reveal_type(net)
reveal_type(puiseux.count_regions(net, (-1, 1)))
reveal_type(puiseux.cell_complex("net.npz"))
reveal_type(puiseux.iterate_cells(net, [(-1, 1)]))
reveal_type(puiseux.region_statistics(net))
reveal_type(puiseux.simplify(net))
reveal_type(puiseux.compare(net, net))
reveal_type(puiseux.tropicalize(net))
reveal_type(puiseux.crosscheck(net))
"""
REVEALED = [
    "nn_bridge.network.network.Network",
    "nn_bridge.region_count.RegionCount",
    "nn_bridge.cells.complex.CellComplex",
    "Iterator[nn_bridge.cells.cell.Cell]",
    "nn_bridge.cells.statistics_table.RegionTable",
    "puiseux.questions.formula.NetworkFormula",
    "puiseux.questions.comparison.Comparison",
    "tuple[tropical.rational.PuiseuxRational, ...]",
    "puiseux.cross_check.cross_check.CrossCheck",
]


@pytest.mark.slow
def test_a_users_type_checker_sees_the_public_types(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    root = Path(puiseux.__file__).resolve().parents[1]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(root / "pyproject.toml"),
        str(tmp_path / "program.py"),
    ]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=500).stdout
    revealed = [line.split('"')[1] for line in printed.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(REVEALED), printed
    for found, wanted in zip(revealed, REVEALED, strict=True):
        assert wanted in found


def test_norms_and_fields_are_named_by_numbers_too() -> None:
    net = puiseux.Network.from_layers([[[1, 1], [1, -1]], [[1, 2]]])
    assert puiseux.lipschitz(net, norm=2).squared == puiseux.lipschitz(net, norm="2").squared == 10
    for norm, name in ((math.inf, "inf"), (np.inf, "inf"), (1, "1"), (2.0, "2")):
        by_number = puiseux.lipschitz(net, norm=norm, output_norm=norm)
        by_name = puiseux.lipschitz(net, norm=name)
        assert (by_number.norm, by_number.output_norm) == (name, name)
        assert (by_number.lower, by_number.upper) == (by_name.lower, by_name.upper)
        verdict = milp.verify_class(puiseux.Network.from_layers([[[1], [-1]]]), [3], 1, norm=norm)
        assert verdict.status is milp.Status.PROVEN
    assert milp.local_lipschitz(net, "box:-1,1", norm=1).value == milp.local_lipschitz(net, "box:-1,1", norm="1").value
    assert puiseux.topology(net, level=1, field=2).betti == puiseux.topology(net, level=1, field="2").betti
    for wrong in (3, 1.5):
        with pytest.raises(PuiseuxError, match="there is no norm"):
            puiseux.lipschitz(net, norm=wrong)
    with pytest.raises(PuiseuxError, match="there is no field"):
        puiseux.topology(net, field=3)
    for odd in (True, None):
        with pytest.raises(PuiseuxError, match=f"^norm={odd} is of type .*: give the name of a norm or a number$"):
            puiseux.lipschitz(net, norm=odd)  # type: ignore[arg-type]
    for other in (1.5, True, None):
        with pytest.raises(PuiseuxError, match=f"^field={other}.*: give a text or a whole number$"):
            puiseux.topology(net, field=other)  # type: ignore[arg-type]
