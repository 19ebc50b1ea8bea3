"""The public functions about formulas, bounds and samples: thin, like those of `puiseux.api`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from polyhedra.former_names import former_keywords
from polyhedra.option_types import checked_options
from puiseux.api import ModelLike

if TYPE_CHECKING:
    import numpy as np

    from nn_bridge.expressivity.complexity import MonomialComplexity
    from nn_bridge.expressivity.region_bounds import RegionBounds
    from nn_bridge.expressivity.sampling import SampledPatterns, SampledRegions
    from nn_bridge.expressivity.sampling_box import SamplingBox
    from tropical.effective_radius import EffectiveRadius
    from tropical.rational import PuiseuxRational


def region_bounds(network: ModelLike) -> RegionBounds:
    """Lower and upper bounds on the number of regions; see `nn_bridge.expressivity.region_bounds.region_bounds`."""
    from nn_bridge.expressivity.region_bounds import region_bounds
    from puiseux.reading import as_network

    return region_bounds(as_network(network))


@checked_options
def monomial_complexity(network: ModelLike, *, layers: bool = True) -> MonomialComplexity:
    """How many terms the tropical maps of a network have, before and after pruning.

    See `nn_bridge.expressivity.complexity.monomial_complexity`.
    """
    from nn_bridge.expressivity.complexity import monomial_complexity
    from puiseux.reading import as_network

    return monomial_complexity(as_network(network), layers=layers)


@checked_options
def tropicalize(
    network: ModelLike,
    *,
    prune: Literal["layer", "end", "none"] = "layer",
    method: Literal["certified", "cdd"] = "certified",
) -> tuple[PuiseuxRational, ...]:
    """The outputs as tropical Puiseux rational maps; see `nn_bridge.symbolic.tropicalize.tropicalize`."""
    from nn_bridge.symbolic.tropicalize import tropicalize
    from puiseux.reading import as_network

    return tropicalize(as_network(network), prune=prune, method=method)


@checked_options
@former_keywords(samples="n_samples")
def sample_regions(
    network: ModelLike,
    *,
    n_samples: int,
    cube: Any,
    rng: int | np.random.Generator | None = None,
    device: str = "cpu",
    midpoint_test: bool = True,
    offsets: bool = True,
    tolerance: float = 1e-9,
    batch: int = 1 << 16,
) -> SampledRegions:
    """Estimate the number of regions by sampling; see `nn_bridge.expressivity.sampling.sample_regions`.

    Without ``rng`` a seed is drawn, and remembered in the result.
    """
    from nn_bridge.expressivity.sampling import sample_regions
    from puiseux.reading import as_network

    return sample_regions(
        as_network(network),
        n_samples=n_samples,
        cube=cube,
        rng=rng,
        device=device,
        midpoint_test=midpoint_test,
        offsets=offsets,
        tolerance=tolerance,
        batch=batch,
    )


@checked_options
@former_keywords(samples="n_samples")
def sample_patterns(
    network: ModelLike,
    *,
    n_samples: int,
    cube: Any,
    rng: int | np.random.Generator | None = None,
    batch: int = 1 << 16,
) -> SampledPatterns:
    """Activation patterns of sampled points; see `nn_bridge.expressivity.sampling.sample_patterns`.

    Without ``rng`` a seed is drawn, and remembered in the result.
    """
    from nn_bridge.expressivity.sampling import sample_patterns
    from puiseux.reading import as_network

    return sample_patterns(as_network(network), n_samples=n_samples, cube=cube, rng=rng, batch=batch)


@checked_options
@former_keywords(centre="center")
def sampling_box(
    network: ModelLike,
    center: Iterable[Any] | None = None,
    *,
    margin: Any = 1,
    method: Literal["cells", "hoffman"] = "cells",
) -> SamplingBox:
    """A cube that meets the interior of every region; see `nn_bridge.expressivity.sampling_box.sampling_box`."""
    from nn_bridge.expressivity.sampling_box import sampling_box
    from puiseux.reading import as_network

    return sampling_box(as_network(network), center, margin=margin, method=method)


@checked_options
@former_keywords(samples="n_samples", centre="center")
def effective_radii(
    network: ModelLike,
    center: Iterable[Any] | None = None,
    *,
    pruned: bool = True,
    exact: bool = True,
    n_samples: int = 20,
    rng: int | np.random.Generator | None = None,
    limit: int = 100_000,
) -> tuple[EffectiveRadius, ...]:
    """The effective radius of each output; see `nn_bridge.expressivity.sampling_box.effective_radii`."""
    from nn_bridge.expressivity.sampling_box import effective_radii
    from puiseux.reading import as_network

    return effective_radii(
        as_network(network), center, pruned=pruned, exact=exact, n_samples=n_samples, rng=rng, limit=limit
    )


__all__ = [
    "effective_radii",
    "monomial_complexity",
    "region_bounds",
    "sample_patterns",
    "sample_regions",
    "sampling_box",
    "tropicalize",
]
