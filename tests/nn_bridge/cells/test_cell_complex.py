"""`CellComplex`: labels, facets and incidences against the naive oracle, and files that come back equal."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.complex import ARRAYS, CellComplex, cell_complex
from nn_bridge.cells.complex_files import load_complex, save_complex
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from tests.families import ENTRIES
from tests.oracles.naive_cells import cells, four_counts, pattern_text, plain, share_facet


def few_of_each_family() -> list[dict[str, Any]]:
    chosen: dict[tuple[str, int], dict[str, Any]] = {}
    for entry in ENTRIES:
        if 3 <= entry["cells"] <= 24:
            chosen.setdefault((entry["family"], len(entry["weights"][0][0])), entry)
    return list(chosen.values())


def counts(found: CellComplex) -> dict[str, int]:
    return {
        "cells": found.cells,
        "regions": found.region_count,
        "regions_by_point": int(found.regions_by_point.max()) + 1,
        "affine_maps": found.affine_map_count,
    }


@pytest.mark.parametrize("entry", few_of_each_family(), ids=lambda entry: entry["name"])
def test_counts_and_facets_are_those_of_the_oracle(entry: dict[str, Any]) -> None:
    network = Network.from_layers(entry["weights"], entry["biases"])
    dim = network.input_dim
    known = cells(plain(entry["weights"], entry["biases"]), dim)
    found = cell_complex(network)
    assert counts(found) == four_counts(known, dim)
    assert sorted(cell.pattern_text for cell in found) == sorted(pattern_text(p) for p, _, _ in known)
    forms = {pattern_text(p): inequalities for p, inequalities, _ in known}
    names = [cell.pattern_text for cell in found]
    joined = {frozenset((names[a], names[b])) for a, b in found.edges.tolist()}
    assert joined == {
        frozenset((p, q)) for i, p in enumerate(names) for q in names[:i] if share_facet(forms[p], forms[q], dim)
    }


def lines(*, corner: bool = True) -> CellComplex:
    domain = Polyhedron.box([-2, -2], [2, 2]) if corner else None
    return cell_complex(Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]], [[0, 0, -1], [0]]), domain)


def test_cells_are_those_that_are_iterated() -> None:
    for found in (lines(), lines(corner=False)):
        for one, other in zip(found, iterate_cells(found.network, found.domain), strict=True):
            assert one == other
            assert one.facets == other.facets
            assert one.generators == other.generators


def test_generators_lie_on_their_facets() -> None:
    found = lines()
    begin, members = found.facet_generators
    for number, cell in enumerate(found):
        for place, facet in enumerate(cell.facets):
            f = int(found.facet_begin[number]) + place
            own = found.generator_coordinates[members[begin[f] : begin[f + 1]]]
            row = [float(v) for v in facet.inequality]
            assert len(own) == 2
            assert np.allclose(own[:, :2] @ row[:2], row[2] * own[:, 2])
    assert found.bounded.all()


def test_a_facet_and_its_partner_have_one_hyperplane() -> None:
    found = lines(corner=False)
    facets = [facet.inequality for cell in found for facet in cell.facets]
    for f, partner in enumerate(found.facet_partner.tolist()):
        assert facets[f] == tuple(-v for v in facets[partner])
    assert int(found.bounded.sum()) == 1


@pytest.mark.parametrize("domain", [None, Polyhedron.box([0, 0], [1, 1])])
def test_a_network_that_nothing_cuts(domain: Polyhedron | None) -> None:
    found = cell_complex(Network.from_layers([[[1, 2]]], [[3]]), domain)
    assert counts(found) == dict.fromkeys(("cells", "regions", "regions_by_point", "affine_maps"), 1)
    assert int(found.facet_counts[0]) == (0 if domain is None else 4)
    assert bool(found.bounded[0]) == (domain is not None)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("corner", [True, False])
def test_a_saved_complex_comes_back(tmp_path: Path, corner: bool) -> None:
    found = lines(corner=corner)
    save_complex(found, tmp_path / "cells.npz")
    back = load_complex(tmp_path / "cells.npz")
    assert back.network == found.network
    assert back.domain == (None if found.domain is None else found.domain.irredundant())
    for name in ARRAYS:
        assert np.array_equal(getattr(back, name), getattr(found, name)), name
    assert [cell.interior_point for cell in back] == [cell.interior_point for cell in found]


def changed(path: Path, **arrays: np.ndarray) -> None:
    with np.load(path) as loaded:
        content = {name: loaded[name] for name in loaded.files} | arrays
    np.savez(path, **content)


def damages(path: Path) -> dict[str, Any]:
    good = path.read_bytes()
    return {
        "no archive": lambda: path.write_bytes(b"cells"),
        "truncated": lambda: path.write_bytes(good[: len(good) // 2]),
        "other array": lambda: changed(path, weights=np.zeros(3)),
        "objects": lambda: changed(path, maps=np.array([{}] * 7, dtype=object)),
        "other kind": lambda: changed(path, maps=np.zeros(7, np.float64)),
        "too few": lambda: changed(path, maps=np.zeros(6, np.int64)),
        "out of range": lambda: changed(path, regions=np.full(7, 7)),
        "places decrease": lambda: changed(path, facet_begin=np.array([0, 5, 1, 9, 12, 14, 16, 18])),
        "other version": lambda: changed(path, complex=np.frombuffer(b'{"format": "x", "version": 2}', np.uint8)),
        "no text": lambda: changed(path, complex=np.array([255, 254], np.uint8)),
        "deep": lambda: changed(path, complex=np.frombuffer(b"[" * 100_000, np.uint8)),
    }


@pytest.mark.parametrize("kind", sorted(damages(Path(__file__))))
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cells.npz"
    save_complex(lines(corner=False), path)
    damages(path)[kind]()
    with pytest.raises(NetworkError, match=r"cells\.npz") as caught:
        load_complex(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_that_inflates_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nn_bridge.cells.complex_files.MAX_BYTES", 1 << 20)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("maps.npy", bytes(1 << 22))
    (tmp_path / "cells.npz").write_bytes(buffer.getvalue())
    with pytest.raises(NetworkError, match="inflates"):
        load_complex(tmp_path / "cells.npz")
