"""How many regions a network can have: bounds, constructions, sampling, symmetry, monomial complexity."""
