"""Is a certificate one of a property, and of which?"""

from __future__ import annotations

import re
import zlib
from os import PathLike
from typing import TYPE_CHECKING, Any

from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from puiseux.reading import as_network

if TYPE_CHECKING:
    from milp.vnnlib import Property


def is_of_property(path: str | PathLike[str]) -> bool:
    """Whether the first bytes of a file say that it is a certificate of a property; False where it cannot be read."""
    try:
        with open(path, "rb") as file:
            start = file.read(1 << 12)
        if start[:2] == b"\x1f\x8b":
            start = zlib.decompressobj(31).decompress(start, 1 << 12)
    except (OSError, zlib.error):
        return False
    return re.match(rb'\{"format": ?"[^"]*", ?"version": ?[0-9]+, ?"kind": ?"property"', start) is not None


def read_property(spec: Property | str | PathLike[str]) -> Property:
    """A property, or the one in a file."""
    from milp.vnnlib import Property, read_vnnlib  # imported when used: it reads VNN-LIB

    return spec if isinstance(spec, Property) else read_vnnlib(spec)


def property_form(spec: Property) -> list[Any]:
    """The normal form of a property; of two networks that of one of their joint network."""
    from milp.property_form import normal_form
    from milp.two_networks import as_one_property

    return normal_form(as_one_property(spec) if len(spec.networks) > 1 else spec)


def network_of(network: Any, second: Any, spec: Property | None, output: int | None = None) -> Network:
    """The network that a certificate of a property is about: of two networks the joint one.

    Raises
    ------
    PuiseuxError
        A network is missing or there without need, or it does not fit the property.
    """
    from milp.two_networks import as_one_network, second_network

    first = as_network(network, output=output)
    other = None if second is None else as_network(second)
    if spec is None:
        if other is not None:
            raise UsageError("a certificate of two networks is compared together with the property; give it too")
        return first
    found = second_network(spec, first, other)
    if found is None:
        return first
    if output is not None:
        raise UsageError("a property of two networks is about all of their outputs; give no output")
    return as_one_network(spec, first, found)


def other_property(found: dict[str, Any], digest: str) -> str | None:
    """Why a valid certificate is not about a property."""
    if found["kind"] != "property":
        return f"is a valid certificate of {found['kind']}, not of a property"
    if found["property_digest"] != digest:
        other = found["property_digest"]
        return f"is a valid certificate of another property (digest {other[:12]}.., not {digest[:12]}..)"
    return None


__all__ = ["is_of_property", "network_of", "other_property", "property_form", "read_property"]
