"""Faces of every dimension and the topology of the sets that outputs cut out, exactly and in any degeneracy."""
