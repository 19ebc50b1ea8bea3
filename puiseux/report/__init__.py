"""The report: everything that is known about a network on one page."""
