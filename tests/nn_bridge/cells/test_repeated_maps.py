"""Residues that occur more than once, found class by class or by a hash table, as numpy counts them."""

import numpy as np
import pytest

from nn_bridge.cells import _core, repeated_maps
from nn_bridge.cells.repeated_maps import duplicates


@pytest.mark.parametrize("threads", [1, 3])
def test_duplicates_class_by_class(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many residues are sorted in classes: the same leaves are found as by counting each residue."""
    monkeypatch.setattr(repeated_maps, "_AT_ONCE", 10)
    rng = np.random.default_rng(5)
    for size in (0, 1, 9, 40, 500):
        residues = rng.integers(0, max(1, size), size).astype(np.uint64) << np.uint64(rng.integers(0, 3))
        parts = np.split(residues, np.sort(rng.integers(0, size + 1, 3)))
        _, place, counts = np.unique(residues, return_inverse=True, return_counts=True)
        found = duplicates(parts, threads)
        assert found.select.tolist() == (counts > 1)[place].astype(int).tolist()
        assert found.residues.tolist() == residues[(counts > 1)[place]].tolist()
        assert found.singles == np.count_nonzero(counts == 1)
        assert repeated_maps.distinct(parts) == len(counts)


def test_repeated_residues_are_marked() -> None:
    """As numpy counts them; the mask is told apart from one of another length."""
    rng = np.random.default_rng(6)
    for size in (0, 1, 2, 3, 15, 100, 5000):
        for most in (1, max(2, size // 3), 10 * size + 1, 1 << 62):
            residues = rng.integers(0, most, size).astype(np.uint64)
            _, place, counts = np.unique(residues, return_inverse=True, return_counts=True)
            mask = np.zeros(size, np.uint8)
            assert _core.mark_repeats(residues, mask) == size - len(counts)
            assert mask.tolist() == (counts > 1)[place].astype(int).tolist()
    with pytest.raises(ValueError, match="another length"):
        _core.mark_repeats(np.zeros(3, np.uint64), np.zeros(2, np.uint8))
