"""Every option of every public function: a value of a wrong type is refused in one line, before any work."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import milp
import puiseux
import puiseux.suite
from polyhedra.errors import AlgebraError, FormulationError, NetworkError, OptionError, PuiseuxError, UsageError
from polyhedra.option_types import Kind, checked_options, kind_of

LIMIT = float("nan")
WRONG: dict[str, list[Any]] = {
    "a whole number": ["2", 1.5, LIMIT, True, [], b"2", np.array([1.0])],
    "a whole number from 0": ["x", -1, 1.5, False, {}],
    "a number": ["3", LIMIT, True, [], object()],
    "True or False": ["no", 2, 0.5, None, []],
    "True, False": ["no", 3, 0.5, []],
    "a text": [3, 1.5, True, [], b"x"],
    "a path": [7, 1.5, [], b"x"],
    "a function": ["print", 3, []],
    "a list": [3, "ab", {}, object()],
    "a list of texts": [3, "ab", [1], {1: 2}.values()],
    "a list of numbers": [3, "ab", ["a"], [True]],
    "a pair of whole numbers": [3, "ab", (1,), (1, 2, 3), ("0", "1"), (0.5, 1)],
    "'all'": ["some", 3],
    "an executor": [3, "threads", []],
    "a generator of numpy": ["x", [], 1.5],
    "a Polyhedron": ["box:-1,1", 3, []],
    "bounds of milp.network_bounds": ["deeppoly", 3, []],
    "the name of a norm": [[], LIMIT, True],
    "None": [],
}
"""For each type of option, values that are none of it."""
RIGHT: dict[str, Any] = {
    "int": 1,
    "int | tuple[int, int]": 1,
    "float": 1.0,
    "bool": True,
    "str": "x",
    "str | PathLike[str]": "none.file",
}
UNCHECKED = {
    "decision_boundary": "a network and a domain",
    "get_max_params": "a trained model",
    "patterns_of_any_dimension": "a network and a domain",
    "plot_persistence": "pairs or an answer, and a figure",
    "rational": "any number",
    "region_bounds": "a network or sizes",
}
"""Functions of which no argument has a type that the signature alone decides."""


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in (puiseux, puiseux.suite, milp):
        for name in module.__all__:
            if inspect.isfunction(function := getattr(module, name)):
                yield f"{module.__name__}.{name}", function


def options_of(function: Callable[..., Any]) -> dict[str, Kind]:
    parameters = inspect.signature(function).parameters.values()
    return {one.name: kind for one in parameters if (kind := kind_of(one.annotation)) is not None}


def wrong_values(kind: Kind) -> list[Any]:
    """Values that none of the types of this option allows, from the lists of all of them."""
    names = [name for name, test in zip(WRONG, TESTS, strict=True) if test in kind.tests]
    assert names, kind.asked
    every = [value for name in names for value in WRONG[name]]
    return [value for value in every if not any(test(value) for test in kind.tests)]


TESTS = [
    kind_of(annotation).tests[annotation == "Boundary"]  # type: ignore[union-attr]
    for annotation in (
        "int",
        "int | np.random.Generator",
        "float",
        "bool",
        "Steps",
        "str",
        "str | PathLike[str]",
        "Callable[[str], None]",
        "Iterable[Any]",
        "Sequence[str]",
        "Sequence[float]",
        "tuple[int, int]",
        "Boundary",
        "Executor",
        "np.random.Generator",
        "Polyhedron",
        "Bounds",
        "NormLike",
        "int | None",
    )
]
"""The test of each type of WRONG, in its order."""


@pytest.mark.parametrize(("name", "function"), list(public_functions()))
def test_values_of_wrong_types_are_refused_before_any_work(name: str, function: Callable[..., Any]) -> None:
    options = options_of(function)
    if name.rpartition(".")[2] in UNCHECKED:
        assert not options
        return
    parameters = inspect.signature(function).parameters.values()
    needed = {one.name: RIGHT.get(one.annotation, [1]) for one in parameters if one.default is one.empty}
    assert options
    for option, kind in options.items():
        refused = wrong_values(kind)
        assert refused, option
        for value in refused:
            with pytest.raises(OptionError) as caught:
                function(**{**needed, option: value})
            text = str(caught.value)
            quote = "'" if isinstance(value, str) else ""
            assert text.startswith(f"{option}={quote}"), text
            assert isinstance(value, float) or f"{quote} is of type {type(value).__name__}: " in text, text
            assert text.endswith(f": give {kind.asked}"), text
            assert "\n" not in text
            assert len(text) < 250


def test_every_refusal_is_an_error_of_the_package_that_is_asked() -> None:
    for kind in (UsageError, NetworkError, FormulationError, AlgebraError):
        assert issubclass(OptionError, kind)
    with pytest.raises(UsageError, match=r"^workers='2' is of type str: give a whole number or None$"):
        puiseux.count_regions([[[1]]], workers="2")  # type: ignore[arg-type]
    with pytest.raises(FormulationError, match=r"^time_limit=nan: give a number or None$"):
        milp.network_bounds(puiseux.as_network([[[1]]]), ([0], [1]), time_limit=LIMIT)


def test_numbers_of_numpy_and_short_forms_are_taken(tmp_path: Path) -> None:
    numbers: dict[str, Any] = {"max_cells": np.int64(9), "time_limit": np.float32(60), "workers": np.int32(1)}
    found = puiseux.count_regions([[[1], [2]], [[1, 1]]], progress=False, checkpoint=tmp_path / "state", **numbers)
    assert found.counts == puiseux.count_regions([[[1], [2]], [[1, 1]]]).counts
    assert puiseux.random_network([1, 2], rng=np.uint8(3)) == puiseux.random_network([1, 2], rng=3)  # type: ignore[arg-type]
    assert puiseux.crosscheck([[[1]]], routes=("cells", "tropical"), topology=np.bool_(False)).agree  # type: ignore[arg-type]


def test_a_decorated_function_keeps_its_signature_and_its_checks_for_positions() -> None:
    @checked_options
    def count(network: Any, workers: int | None = None, *, name: str = "x") -> str:
        """Count."""
        return f"{workers}{name}"

    assert (count([], 2, name="y"), count.__doc__) == ("2y", "Count.")
    assert list(inspect.signature(count).parameters) == ["network", "workers", "name"]
    with pytest.raises(OptionError, match=r"^workers="):
        count([], "2")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword"):
        count([], wokers=2)  # type: ignore[call-arg]


Bad = tuple[str, Callable[[], Any], str]
NET = [([[1, 0], [0, 1]], [0, 0]), [[1, 1]]]
BAD: list[Bad] = [
    ("sampling", lambda: puiseux.sample_patterns(NET, n_samples=5, cube=1, batch=0), "batch=0 draws nothing"),
    ("compress", lambda: milp.stability_proofs(puiseux.as_network(NET), ([0, 0], [1, 1]), samples=-1), "samples=-1"),
    ("oracles", lambda: puiseux.crosscheck(NET, oracles=3), "oracles='3': give functions"),  # type: ignore[arg-type]
    ("window", lambda: puiseux.plot_dual_pair("max(x, y, 0)", window=3), "window='3': give"),  # type: ignore[arg-type]
    ("names", lambda: puiseux.plot_slice(NET, [[0, 0], [1, 0], [0, 1]], names=[]), "there are 3 points but 0 names"),
    ("dpi", lambda: puiseux.save_growth([NET], "net.gif", domain="box:-1,1", dpi=-1), "dpi=-1"),
    ("array", lambda: milp.train_convex("x", [1], 0.1), "X='x' is no array of numbers"),
    ("no layers", lambda: milp.formulate_layers(1.5, ([0], [1])), "layers='1.5'"),  # type: ignore[arg-type]
    ("layers", lambda: milp.formulate_layers([3], ([0], [1])), "layer 0 is '3'"),
]
"""Values that have a right type and make no sense."""


@pytest.mark.parametrize(("ask", "text"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_values_that_make_no_sense_are_refused(ask: Callable[[], Any], text: str) -> None:
    with pytest.raises(PuiseuxError) as caught:
        ask()
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
