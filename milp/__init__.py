"""Mixed-integer formulations of networks: bounds, counts, verification, optimisation, sparse fits."""
