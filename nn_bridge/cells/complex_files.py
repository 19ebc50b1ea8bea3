"""A `CellComplex` in an ``.npz`` file: written whole, read as untrusted input.

The file holds the arrays of `CellComplex` under their names, and ``complex``, JSON text as bytes: ``{"format":
"puiseux-cell-complex", "version": 1, "network": .., "domain": ..}`` with the network as a document of
`nn_bridge.writers.json` and the domain as rows ``a . x <= b`` of rationals as text, or null for all of R^n.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from typing import Any

import numpy as np

from nn_bridge.cells.complex import ARRAYS, CellComplex
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers.files import read_bytes
from nn_bridge.readers.json import network_from_document
from nn_bridge.writers.files import write_bytes
from nn_bridge.writers.json import document_of
from polyhedra.errors import PuiseuxError
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import shown
from polyhedra.scalars import rational, to_text

FORMAT, VERSION = "puiseux-cell-complex", 1
MAX_BYTES = 1 << 31
"""Bytes that a file may inflate to."""

_KINDS = {"uint64": np.dtype("<u8"), "int64": np.dtype("<i8"), "bool": np.dtype(bool), "float64": np.dtype("<f8")}
_KIND_OF = dict.fromkeys(ARRAYS, "int64") | {
    "pattern_words": "uint64",
    "residues": "uint64",
    "generator_ray": "bool",
    "generator_coordinates": "float64",
    "generator_zeros": "uint64",
    "facet_zeros": "uint64",
}


def save_complex(complex_: CellComplex, path: str | os.PathLike[str]) -> None:
    """Write a complex so that `load_complex` gives it back.

    Raises
    ------
    NetworkError
        The file cannot be written.
    """
    domain = complex_.domain
    rows = None if domain is None else [[to_text(v) for v in row] for row in domain.irredundant().inequalities]
    header = {"format": FORMAT, "version": VERSION, "network": document_of(complex_.network), "domain": rows}
    text = json.dumps(header).encode()
    arrays = {name: values.astype(_KINDS[_KIND_OF[name]], copy=False) for name, values in complex_.arrays().items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, complex=np.frombuffer(text, np.uint8), **arrays)
    write_bytes(path, buffer.getvalue())


def load_complex(path: str | os.PathLike[str]) -> CellComplex:
    """Read a complex that `save_complex` has written.

    The arrays are checked to fit together (shapes, ranges), not to be true: a file may be changed by hand.

    Raises
    ------
    NetworkError
        The file cannot be read, is too large, or is no complex of this version.
    """
    name = shown(os.fspath(path))
    try:
        arrays = _arrays_of(read_bytes(path, MAX_BYTES))
        network, domain = _subject_of(json.loads(arrays.pop("complex").tobytes()))
        found = CellComplex(network, domain, **arrays)
        _require_consistent(found)
    except PuiseuxError as error:
        raise NetworkError(f"{name}: {error}") from None
    except (KeyError, TypeError, ValueError, OSError, EOFError, RecursionError, zipfile.BadZipFile) as error:
        raise NetworkError(f"{name}: not a cell complex, or damaged ({shown(error)}); make it anew") from None
    return found


def _arrays_of(content: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
            raise ValueError("it inflates beyond what a complex may have")
    with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
        if sorted(loaded.files) != sorted((*ARRAYS, "complex")):
            raise ValueError("it holds other arrays")
        arrays = {name: loaded[name] for name in loaded.files}
    for name, kind in _KIND_OF.items():
        if arrays[name].dtype != _KINDS[kind]:
            raise ValueError(f"{name} holds {arrays[name].dtype}, not {kind}")
    return arrays


def _subject_of(header: Any) -> tuple[Network, Polyhedron | None]:
    if (header["format"], header["version"]) != (FORMAT, VERSION):
        raise ValueError(f"its version is {header['version']}, this release reads {VERSION}")
    network, rows = network_from_document(header["network"]), header["domain"]
    if rows is None:
        return network, None
    exact = [[rational(v) for v in row] for row in rows]
    return network, Polyhedron([row[:-1] for row in exact], [row[-1] for row in exact], dim=network.input_dim)


def _require_consistent(found: CellComplex) -> None:
    """Refuse arrays whose shapes or numbers do not fit together."""
    cells, generators, facets = found.maps.size, found.generator_ray.size, found.facet_partner.size
    words = found.facet_zeros.shape[-1]
    shapes = {
        "pattern_words": (cells, *found.pattern_words.shape[1:2]),
        "residues": (cells,),
        "maps": (cells,),
        "regions": (cells,),
        "generator_begin": (cells + 1,),
        "generator_ray": (generators,),
        "generator_coordinates": (generators, *found.generator_coordinates.shape[1:2]),
        "generator_zeros": (generators, words),
        "facet_begin": (cells + 1,),
        "facet_zeros": (facets, words),
        "facet_partner": (facets,),
    }
    for name, shape in shapes.items():
        if getattr(found, name).shape != shape:
            raise ValueError(f"{name} has the shape {getattr(found, name).shape}, not {shape}")
    if not cells:
        raise ValueError("it holds no cell")
    for begin, end in ((found.generator_begin, generators), (found.facet_begin, facets)):
        if begin[0] != 0 or begin[-1] != end or (np.diff(begin) < 0).any():
            raise ValueError("the places of generators or facets do not increase from 0 to their number")
    for numbers, most in ((found.maps, cells), (found.regions, cells), (found.facet_partner, facets)):
        if len(numbers) and (numbers.min() < -1 or numbers.max() >= most):
            raise ValueError("a number of a map, region or facet is out of range")
    stages = len(found.network.hidden)
    width = found.pattern_words.shape[1]
    if (width and not stages) or (stages and (width % stages or 64 * width // stages < max(found.network.hidden))):
        raise ValueError("the patterns do not have the units of the network")


__all__ = ["load_complex", "save_complex"]
