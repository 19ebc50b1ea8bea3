"""Training by exact and convex programs: sparsest fits, sparse training, convex reformulations."""
