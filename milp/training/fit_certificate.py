"""Certificates of sparsest fits: the lower bound, and the network that reaches it, for a checker of its own."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

from milp.training.exact_weights import Refutation
from milp.training.fit_checker import FORMAT, Claim, Invalid, check
from milp.training.sparse_fit import SparseFit
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.quoting import shown_path
from polyhedra.scalars import to_text


def fit_certificate(fit: SparseFit) -> str:
    """The certificate of a fit: no network with so many units has fewer non-zeros than the proven bound.

    Raises
    ------
    FormulationError
        The bound holds within limits of weights only.
    """
    search = fit.search
    if search is None or search.limits is not None:
        raise FormulationError("a certificate is about all real weights: leave out weight_bound and bias_bound")
    data = search.data
    content = {
        "format": FORMAT,
        "version": 1,
        "units": search.units,
        "signs": None if search.signs is None else list(search.signs),
        "lower_bound": fit.proven_bound,
        "inputs": [[to_text(value) for value in row] for row in data.inputs],
        "targets": [to_text(value) for value in data.targets],
        "network": _network(fit.network) if fit.verified else None,
        "refutations": [_refutation(found) for found in search.exact.refutations],
    }
    return json.dumps(content) + "\n"


def check_fit_certificate(path: str | PathLike[str]) -> Claim:
    """Check the certificate in a file by `milp.training.fit_checker`.

    Raises
    ------
    FormulationError
        It does not prove what it claims.
    """
    try:
        return check(Path(path).read_text(encoding="utf-8"))
    except (Invalid, UnicodeDecodeError) as error:
        raise FormulationError(f"{shown_path(path)}: invalid certificate: {error}") from None


def _network(network: Network | None) -> dict[str, Any]:
    assert network is not None
    [(_, hidden)] = network.stages[0].blocks or ((0, [[0] * network.input_dim] * network.stages[0].units),)
    output = [v for _, block in network.output.blocks for row in block for v in row]
    return {
        "weights": [[str(value) for value in row] for row in hidden],
        "biases": [to_text(value) for value in network.stages[0].bias],
        "signs": [1 if value > 0 else -1 for value in output],
    }


def _refutation(found: Refutation) -> dict[str, Any]:
    units = [
        {
            "support": list(block.support),
            "active": "".join("01"[on] for on in block.active),
            "sign": sign,
            "inequalities": [to_text(value) for value in row],
        }
        for block, sign, row in zip(found.blocks, found.signs, found.inequalities, strict=True)
    ]
    return {"equations": [to_text(value) for value in found.equations], "units": units}
