"""One module for each question a user asks: count, formula, comparison, property, constants, topology, reduction.

The functions are public as `puiseux.count_regions`, `puiseux.simplify`, `puiseux.compare` and so on; the commands call
them too.
"""
