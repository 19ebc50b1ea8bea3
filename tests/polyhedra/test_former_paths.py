"""Old paths of documented modules give the same modules, with a warning that names the new path."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

MOVED = {
    "nn_bridge.cell_graph": "nn_bridge.cells.adjacency",
    "nn_bridge.level_sets": "nn_bridge.sign_vectors.level_sets",
    "puiseux.count": "puiseux.questions.count",
    "puiseux.cli": "puiseux.console.cli",
    "tropical.plot": "puiseux.pictures.polynomials",
    "milp.sparse_data": "milp.training.sparse_data",
}


@pytest.mark.parametrize("old", MOVED)
def test_the_old_path_gives_the_same_module(old: str) -> None:
    import_module(old.split(".")[0])
    sys.modules.pop(old, None)
    new = import_module(MOVED[old])
    spec = new.__spec__
    with pytest.warns(FutureWarning, match=MOVED[old]):
        assert import_module(old) is new
    assert new.__spec__ is spec


def test_a_path_that_never_was_is_an_import_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        import_module("nn_bridge.no_such_module")
