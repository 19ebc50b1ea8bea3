"""The cross-check: independent counters on one network, side by side, and where they disagree."""

from puiseux.cross_check.cross_check import CrossCheck, crosscheck

__all__ = ["CrossCheck", "crosscheck"]
