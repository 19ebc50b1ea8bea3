"""Random generators from what a caller gives: a seed, a generator, or nothing."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Seed: TypeAlias = int | np.random.Generator | None
"""A seed, a generator, or None for a seed that is drawn."""


def generator_and_seed(rng: Seed) -> tuple[np.random.Generator, int | None]:
    """The generator to draw from, and the seed that makes the run repeatable.

    Parameters
    ----------
    rng : int, numpy Generator or None
        A seed; a generator, whose seed is not known here (None comes back); or None, for which a seed is drawn.

    Examples
    --------
    >>> generator, seed = generator_and_seed(None)
    >>> float(generator.random()) == float(generator_and_seed(seed)[0].random())
    True
    """
    if isinstance(rng, np.random.Generator):
        return rng, None
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if rng is None else int(rng)
    return np.random.default_rng(seed), seed
