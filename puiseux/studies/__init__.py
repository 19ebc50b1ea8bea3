"""The experiments of the literature on expressivity, repeated exactly: each with its table, figure and remarks.

`run_study` runs one of them by name, ``puiseux study NAME`` does so on the command line.
"""

from __future__ import annotations

from importlib import import_module

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted
from puiseux.studies.study import Study, Summary, Trial

HOMES = {
    "sampling": "puiseux.studies.sampling_against_symbolic",
    "hoffman": "puiseux.studies.hoffman_constants",
    "training": "puiseux.studies.regions_while_training",
    "symmetry": "puiseux.studies.symmetry_of_sampling",
    "monomials": "puiseux.studies.regions_against_monomials",
    "depth": "puiseux.studies.width_against_depth",
    "pruning": "puiseux.studies.pruning_rate",
    "report": "puiseux.studies.one_network",
    "digits": "puiseux.studies.digits",
    "lines": "puiseux.studies.lines_and_planes",
    "geometry": "puiseux.studies.geometry",
    "geometry-data": "puiseux.studies.geometry_on_data",
    "geometry-digits": "puiseux.studies.geometry_on_digits",
    "topology": "puiseux.studies.topology_of_regions",
    "geometry-training": "puiseux.studies.geometry_while_training",
    "maximum": "puiseux.studies.maximum_of_five",
}
"""The module of each study; every module has one `STUDY`."""


def study_names() -> list[str]:
    """The names of all studies."""
    return list(HOMES)


def all_studies() -> list[Study]:
    """All studies."""
    return [import_module(home).STUDY for home in HOMES.values()]


def find_study(name: str) -> Study:
    """A study by its name or another name of it, such as ``"table3"``.

    Raises
    ------
    UsageError
        There is none.

    Examples
    --------
    >>> find_study("figure8").name
    'depth'
    """
    if name in HOMES:
        found: Study = import_module(HOMES[name]).STUDY
        return found
    for study in all_studies():
        if name in study.aliases:
            return study
    raise UsageError(f"there is no study {quoted(name)}; take one of {', '.join(HOMES)}")


__all__ = ["HOMES", "Study", "Summary", "Trial", "all_studies", "find_study", "study_names"]
