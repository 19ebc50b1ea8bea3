"""The topology of the sets that outputs cut out: homology, persistence, critical points, exactly, in any degeneracy."""
