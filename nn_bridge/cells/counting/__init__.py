"""Counting cells and regions: independent jobs, workers, limits, checkpoints."""
