"""Proofs of the number of cells, regions and affine maps, record by record."""
