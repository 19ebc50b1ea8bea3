"""Edge subdivision in torch, on any device: the plan, bounds and exact decisions of `subdivide`, other inner steps.

2-faces are paired by sorting, which suits a GPU; the resulting complex is the same up to the order of vertices and
edges.  `torch_storage` holds the tables, `torch_entry` enters a stage, `torch_block` begins and ends a block of its
neurons, `torch_cut` and `torch_join` cut by one of them, `torch_exact` decides signs that stay open.
"""

from __future__ import annotations

import numpy as np
import torch

from nn_bridge.errors import NetworkError
from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.memory import SHARE
from nn_bridge.sign_vectors.piece import Piece
from nn_bridge.sign_vectors.pieces import Cutter
from nn_bridge.sign_vectors.plan import FloatStage, Plan
from nn_bridge.sign_vectors.skeleton import OverBudget, layout_of
from nn_bridge.sign_vectors.start import HEAD
from nn_bridge.sign_vectors.torch import kernels
from nn_bridge.sign_vectors.torch.cut import cut_block
from nn_bridge.sign_vectors.torch.entry import enter_stage
from nn_bridge.sign_vectors.torch.skeleton import BLOCK, TorchSkeleton
from polyhedra.quoting import quoted, shown


def torch_cutter(device: str) -> Cutter:
    """The subdivision of a piece on a torch device.

    Raises
    ------
    NetworkError
        The device is not there.
    """
    try:
        trial = torch.zeros(1, dtype=torch.float64, device=device)
        trial.item()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise NetworkError(f"device={quoted(device)} cannot be used: {shown(error)}") from None
    place = trial.device  # with its number

    def cut(plan: Plan, domain: Domain, limit: int | None) -> Piece:
        try:
            skeleton = TorchSkeleton(plan, domain, device_limit(place, limit), place)
            subdivide(skeleton)
            return finish(skeleton)
        except torch.cuda.OutOfMemoryError:
            raise OverBudget from None  # others took from the device what was free

    return cut


def device_limit(device: torch.device, limit: int | None) -> int | None:
    """The limit in bytes, and on a CUDA device no more than 60 % of what is free there."""
    if device.type != "cuda":
        return limit
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(int(SHARE * free), limit or free)


def subdivide(skeleton: TorchSkeleton) -> None:
    """Cut by all stages of the plan."""
    before: FloatStage | None = None
    plan, outcome = skeleton.plan, skeleton.outcome
    for index, stage in enumerate(plan.stages):
        layout = layout_of(plan, stage)
        enter_stage(skeleton, index, before, layout)
        checked = skeleton.vertices.used
        for start in range(0, stage.units, BLOCK):
            if outcome.sound:
                cut_block(skeleton, index, layout, start, min(BLOCK, stage.units - start), checked)
        if not outcome.sound:
            return
        outcome.neurons = stage.first + stage.units
        skeleton.storage.look_ahead(plan.neurons / outcome.neurons)
        before = stage


def finish(skeleton: TorchSkeleton) -> Piece:
    """Copy what stays to the host; the tables go column by column."""
    vertices, edges, d = skeleton.vertices, skeleton.edges, skeleton.d
    unit = 1 / skeleton.scaled[HEAD : HEAD + d].min()
    rows = vertices.span("rows", 0, vertices.used)
    error = kernels.amplified(rows[:, kernels.RESIDUAL], vertices.span("steps", 0, vertices.used)) * unit * (1 + 1e-9)
    with np.errstate(over="ignore"):
        rounded = np.nextafter(error.cpu().numpy().astype(np.float32), np.float32(np.inf))
    points = rows[:, HEAD : HEAD + d].to("cpu", copy=True).numpy()
    del rows, error
    vertices.drop("rows")
    ends = np.stack([edges.host("a"), edges.host("b")], axis=1)
    return Piece(
        skeleton.domain,
        points,
        rounded,
        ends,
        vertices.host("zeros"),
        edges.host("zeros"),
        vertices.host("faces"),
        edges.host("faces"),
        edges.host("up"),
        vertices.host("words").view(np.uint64),
        edges.host("words").view(np.uint64),
        skeleton.outcome,
    )
