"""The error of this package, defined with its siblings in `polyhedra.errors`."""

from polyhedra.errors import NetworkError

__all__ = ["NetworkError"]
