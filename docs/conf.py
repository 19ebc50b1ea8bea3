"""The documentation site: `make docs` builds it into docs/_build, and takes every warning for an error."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.search.en import SearchEnglish

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from generate import write_pages  # noqa: E402

import puiseux  # noqa: E402
from tools.notebooks import faults, notebooks, run_all  # noqa: E402

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
nb_execution_mode = "off"  # _run_notebooks runs them, several at a time, in the folder where their files are

napoleon_google_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the sections on parameters give types in words
autodoc_default_options = {"members": True}
suppress_warnings = [
    "myst.xref_missing",  # links to files outside the site (sources, results) are checked by the tests
    "ref.python",  # one name can be both an attribute and a parameter
]


def _run_notebooks(app: Sphinx) -> None:
    """Run every notebook and put it, with what it showed, into the site; one that fails ends the build."""
    target = HERE / "notebooks"
    target.mkdir(exist_ok=True)
    paths = notebooks()
    for path, notebook in zip(paths, run_all(paths), strict=True):
        wrong = faults(notebook)
        if wrong:
            raise ExtensionError(f"{path.name}: {wrong[0]}")
        nbformat.write(notebook, target / path.name)
    for stale in {path.name for path in target.glob("*.ipynb")} - {path.name for path in paths}:
        (target / stale).unlink()


def _escape_bars(app: Sphinx, kind: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Bars of absolute values are no substitutions: escape them outside of examples and literal text."""
    for number, line in enumerate(lines):
        if "|" in line and not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``)", line)
            lines[number] = "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in parts)


QUESTIONS = ("decision boundary", "Lipschitz constant", "verify a property", "tropical curve dual subdivision")
"""Words for which the search of the site must lead to a how-to guide and to the gallery."""


def _check_search(app: Sphinx, error: Exception | None) -> None:
    """Look the questions up in the index that the site's search reads."""
    if error is not None or app.builder.name != "html":
        return
    text = (Path(app.outdir) / "searchindex.js").read_text()
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    stem = SearchEnglish({}).stem
    for question in QUESTIONS:
        for word in question.lower().split():
            if len(word) == 1:
                continue
            pages = set()
            for terms in (index["terms"], index["titleterms"]):
                found = terms.get(stem(word), [])
                pages |= {index["docnames"][number] for number in ([found] if isinstance(found, int) else found)}
            for page in ("how-to", "gallery", "api/front-door"):
                if page not in pages:
                    raise ExtensionError(f"the search of the site does not find {word!r} ({question}) in {page}")


def setup(app: Sphinx) -> None:
    app.connect("build-finished", _check_search)
    app.connect("autodoc-process-docstring", _escape_bars)
    app.connect("builder-inited", lambda app: write_pages(HERE))
    app.connect("builder-inited", _run_notebooks)
