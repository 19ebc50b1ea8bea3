"""Convex pieces: the fewest convex sets on each of which a network is affine, between two witnesses."""
