"""Write level sets as Wavefront OBJ or Stanford PLY text files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from nn_bridge.errors import NetworkError
from nn_bridge.sign_vectors.level_sets import LevelSet
from nn_bridge.writers.files import write_bytes
from polyhedra.quoting import shown_path


def write_mesh(surface: LevelSet, path: str | os.PathLike[str]) -> None:
    """Write the vertices and polygons (or segments) of a level set.

    Parameters
    ----------
    surface : LevelSet
    path : path ending in ``.obj`` or ``.ply``
        Numbers are written so that reading them gives the same float64 back; points of the plane get z = 0.

    Raises
    ------
    NetworkError
        Another ending, or a file that cannot be written.
    """
    target = Path(path)
    formats = {".obj": _obj, ".ply": _ply}
    if target.suffix.lower() not in formats:
        raise NetworkError(f"{shown_path(target)}: a mesh is written as .obj or .ply")
    write_bytes(target, ("\n".join(formats[target.suffix.lower()](surface)) + "\n").encode("ascii"))


def _points(surface: LevelSet) -> Iterator[str]:
    for point in surface.vertices.tolist():
        yield " ".join(map(repr, (*point, 0.0)[:3]))


def _faces(surface: LevelSet) -> Iterator[list[int]]:
    members = surface.members.tolist()
    start = surface.start.tolist()
    for low, high in pairwise(start):
        yield members[low:high]


def _obj(surface: LevelSet) -> Iterator[str]:
    yield "# level set of a ReLU network, written by puiseux"
    for point in _points(surface):
        yield f"v {point}"
    kind = "f" if surface.dim == 3 else "l"
    for face in _faces(surface):
        yield f"{kind} " + " ".join(str(vertex + 1) for vertex in face)


def _ply(surface: LevelSet) -> Iterator[str]:
    yield from ("ply", "format ascii 1.0", "comment level set of a ReLU network, written by puiseux")
    yield f"element vertex {len(surface.vertices)}"
    yield from (f"property double {axis}" for axis in "xyz")
    if surface.dim == 3:
        yield from (f"element face {len(surface)}", "property list uint int vertex_indices")
    else:
        yield from (f"element edge {len(surface)}", "property int vertex1", "property int vertex2")
    yield "end_header"
    yield from _points(surface)
    for face in _faces(surface):
        prefix = f"{len(face)} " if surface.dim == 3 else ""
        yield prefix + " ".join(map(str, face))
