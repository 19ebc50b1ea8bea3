"""Docstrings of the public surface of every module: arguments named, attributes complete, quoted names exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("polyhedra", "tropical", "nn_bridge", "milp", "puiseux")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PUBLIC = [path for path in MODULES if not path.name.startswith("_") or path.name in ("__init__.py", "__main__.py")]
COMPILED = [path for package in PACKAGES for path in (ROOT / package).rglob("_core.pyi")]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
Function = ast.FunctionDef | ast.AsyncFunctionDef


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for child in node.body:
                    if isinstance(child, Function) and not child.name.startswith("_"):
                        yield f"{node.name}.{child.name}", child


def section(doc: str, title: str) -> str | None:
    """The lines of a section of a numpydoc docstring."""
    match = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    return match[1] if match else None


def entries(text: str) -> set[str]:
    """The names that a section defines."""
    names: set[str] = set()
    for line in text.splitlines():
        if line and not line[0].isspace():
            head = line.split(" : ")[0]
            names |= {name.strip().lstrip("*") for name in head.split(",")}
    return names


def arguments(node: Function) -> set[str]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    return {argument.arg for argument in every if argument is not None} - {"self", "cls"}


def is_repeated(node: Function) -> bool:
    """Whether a function is an overload or the setter of a property, whose docstring stands elsewhere."""
    return any(ast.unparse(decorator).endswith(("overload", ".setter")) for decorator in node.decorator_list)


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def fields(node: ast.ClassDef) -> set[str]:
    annotated = [
        child.target.id
        for child in node.body
        if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name)
    ]
    return {name for name in annotated if not name.startswith("_")}


def complaints(path: Path) -> list[str]:
    found = []
    for name, node in public_definitions(tree_of(path)):
        if isinstance(node, Function) and is_repeated(node):
            continue
        doc = ast.get_docstring(node)
        if doc is None:
            found.append(f"{name}: no docstring")
            continue
        if isinstance(node, Function):
            given = section(doc, "Parameters")
            if given is not None and entries(given) != arguments(node):
                found.append(f"{name}: parameters {sorted(entries(given) ^ arguments(node))}")
        elif is_dataclass(node):
            given = section(doc, "Attributes")
            if given is not None and not fields(node) <= entries(given):
                found.append(f"{name}: attributes {sorted(fields(node) - entries(given))}")
    return found


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: str(path.relative_to(ROOT)))
def test_arguments_and_attributes_are_named(path: Path) -> None:
    assert complaints(path) == []


def module_names() -> set[str]:
    names = {"puiseux", "tropical", "milp", "polyhedra", "nn_bridge"}
    for path in (*MODULES, *COMPILED):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


KNOWN = module_names()
QUOTED = re.compile(r"`((?:polyhedra|tropical|nn_bridge|milp|puiseux)(?:\.\w+)+)`")


def definitions(module: str) -> set[str]:
    base = ROOT.joinpath(*module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef | Function):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            names.add(node.value)  # names that are loaded late
    return names


def exists(dotted: str) -> bool:
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        if module in KNOWN:
            return length == len(parts) or parts[length] in definitions(module)
    return False


@pytest.mark.parametrize("path", [*MODULES, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_quoted_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [name for name in QUOTED.findall(text) if not exists(name)] == []


IMPORTS = re.compile(
    r"^(?:>>> )?from ((?:polyhedra|tropical|nn_bridge|milp|puiseux)[\w.]*) import ([\w, ]+)$", re.MULTILINE
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_of_the_pages_exist(path: Path) -> None:
    imports = IMPORTS.findall(path.read_text(encoding="utf-8"))
    names = [f"{module}.{name.strip()}" for module, listed in imports for name in listed.split(",")]
    assert [name for name in names if not exists(name)] == []


WORDS = {
    r'"""What\b': "a docstring begins with a verb or a noun, not with 'What'",
    r"\b(nobody|somebody|everybody|someone)\b": "a process is no person",
    r"\bclass _?(Crew|Flow|Gluer)\b": "the field says pool, scheduler, merge or join",
    r"\b_?(prints|marks)\b(: [\w\[\], .]+)? = ": "the field says residues or fingerprints, and mask",
    r"^\w+ = NDArray\[np\.(float64|int64|bool_|uint64)\]$": "array types are named in polyhedra/arrays.py",
}
"""Patterns that the sources of the packages do not hold, and the rule of the house that each breaks."""
ARRAY_TYPES = ROOT / "polyhedra" / "arrays.py"


def words_against_the_rules(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    rules = {pattern: rule for pattern, rule in WORDS.items() if path != ARRAY_TYPES or "NDArray" not in pattern}
    return [
        f"line {text.count(chr(10), 0, found.start()) + 1}: {rule}"
        for pattern, rule in rules.items()
        for found in re.finditer(pattern, text, re.MULTILINE)
    ]


@pytest.mark.parametrize("path", [*MODULES, *COMPILED], ids=lambda path: str(path.relative_to(ROOT)))
def test_words_are_plain(path: Path) -> None:
    assert words_against_the_rules(path) == []


def test_planted_words_are_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        'class Crew:\n    """What works."""\n\n    marks = 1  # nobody reads it\n\n\nFloats = NDArray[np.float64]\n'
    )
    assert sorted(found.split(":")[0] for found in words_against_the_rules(planted)) == [
        "line 1", "line 2", "line 4", "line 4", "line 7"
    ]  # fmt: skip


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        'def area(width, height):\n    """An area.\n\n    Parameters\n    ----------\n    width : int\n    """\n\n'
        "def bare():\n    pass\n"
    )
    assert complaints(planted) == ["area: parameters ['height']", "bare: no docstring"]
    assert not exists("nn_bridge.cells.no_such_name")
    assert exists("nn_bridge.cells.complex.CellComplex")
