"""Smaller networks with the same function, by exact algebra."""
