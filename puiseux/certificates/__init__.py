"""Certificates: counts and prunings with proofs in a file, and the independent checker."""
