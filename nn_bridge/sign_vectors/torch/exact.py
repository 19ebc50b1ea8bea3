"""Exact decisions, taken as on the CPU, for the signs that error bounds leave open on a torch device."""

from __future__ import annotations

import torch
from torch import Tensor

from nn_bridge.sign_vectors.exact_vertices import locate, signed_floats
from nn_bridge.sign_vectors.skeleton import Layout
from nn_bridge.sign_vectors.start import HEAD
from nn_bridge.sign_vectors.subdivide import MAX_DOUBTS
from nn_bridge.sign_vectors.torch import kernels
from nn_bridge.sign_vectors.torch.skeleton import TorchSkeleton
from polyhedra.rounding import UNIT_ROUNDOFF

ENOUGH = 64
"""So many doubtful vertices are plainly not generic: no need to know how much."""


def decide(skeleton: TorchSkeleton, index: int, layout: Layout, processed: int, pairs: Tensor) -> Tensor:
    """Replace the rows of vertices with open signs by exact values; zeros and failures are counted as doubtful.

    Parameters
    ----------
    skeleton : TorchSkeleton
        Changed in place.
    index : int
        The stage.
    layout : Layout
    processed : int
        The neurons of stage ``index`` that belong to the fingerprints already.
    pairs : int64 tensor of shape (pairs, 2)
        Vertices, in increasing order, and neurons of the stage.

    Returns
    -------
    The vertices whose rows were looked at, int64.
    """
    outcome, plan, vertices = skeleton.outcome, skeleton.plan, skeleton.vertices
    if not len(pairs):
        return pairs[:, 0]
    chosen = torch.unique_consecutive(pairs[:, 0])
    if len(chosen) > MAX_DOUBTS:
        outcome.doubtful += len(chosen)
        return chosen
    by_vertex: dict[int, list[int]] = {}
    for vertex, neuron in pairs.tolist():
        by_vertex.setdefault(vertex, []).append(neuron)
    rows = vertices.take("rows", chosen, layout.columns).cpu()
    zeros, faces = vertices.take("zeros", chosen).tolist(), vertices.take("faces", chosen).tolist()
    steps = vertices.take("steps", chosen).cpu()
    first = plan.stages[index].first
    all_words = vertices.take("words", chosen) - skeleton.names.face_words[vertices.take("faces", chosen)]
    words = all_words.tolist()
    scaled = skeleton.scaled.cpu()
    for i, neurons in enumerate(by_vertex.values()):
        row, on = rows[i], [z for z in zeros[i] if z >= 0]
        done = (row[layout.column : layout.column + processed] > 0).numpy()
        sum_of_words = words[i] - sum(int(plan.zero[z]) for z in on)
        sum_of_words -= sum(int(word) for word in plan.positive[first : first + processed][done])
        point = row[HEAD : HEAD + skeleton.d].numpy().copy()
        exact = locate(plan, skeleton.domain, index, point, on, faces[i], sum_of_words % (1 << 64))
        floats = None if exact is None else [signed_floats(v) for v in (exact.point, *exact.values)]
        if exact is None or floats is None or any(exact.values[index][j] == 0 for j in neurons) or None in floats:
            outcome.doubtful += 1
            if outcome.doubtful >= ENOUGH:
                return chosen
            continue
        outcome.decided += len(neurons)
        places = [HEAD, *layout.carried.values(), layout.column]
        sources = [0, *layout.carried, index + 1]
        for place, source in zip(places, sources, strict=True):
            exactly = torch.tensor(floats[source], dtype=torch.float64)
            row[place : place + len(exactly)] = exactly
        row[kernels.SIZE] = (row[HEAD:].abs() * scaled[HEAD:]).max() * (1 + 8 * UNIT_ROUNDOFF)
        row[kernels.RESIDUAL] = 2 * UNIT_ROUNDOFF * row[kernels.SIZE]
        steps[i] = 0
    vertices.put_at("rows", chosen, rows.to(skeleton.device), layout.columns)
    vertices.put_at("steps", chosen, steps.to(skeleton.device))
    return chosen
