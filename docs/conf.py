"""The documentation site: `make docs` builds it into docs/_build, and takes every warning for an error."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from generate import write_pages  # noqa: E402

import puiseux  # noqa: E402

project = "puiseux"
author = "The puiseux developers"
version = release = puiseux.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
exclude_patterns = ["_build", "README.md"]
html_theme = "furo"
html_title = f"puiseux {release}"
html_static_path = ["images"]

myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"  # the tests run the notebooks; the gallery shows what they draw

napoleon_google_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the sections on parameters give types in words
autodoc_default_options = {"members": True}
suppress_warnings = [
    "myst.xref_missing",  # links to files outside the site (sources, results) are checked by the tests
    "ref.python",  # one name can be both an attribute and a parameter
]


def _copy_notebooks(app: Sphinx) -> None:
    """The notebooks live beside the packages; a site takes only what lies in its folder."""
    target = HERE / "notebooks"
    target.mkdir(exist_ok=True)
    names = set()
    for source in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
        names.add(source.name)
        (target / source.name).write_bytes(source.read_bytes())
    for stale in target.glob("*.ipynb"):
        if stale.name not in names:
            stale.unlink()


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", lambda app: write_pages(HERE))
    app.connect("builder-inited", _copy_notebooks)
