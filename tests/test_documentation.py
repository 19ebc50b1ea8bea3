"""The documentation is true: Python blocks run and print what they say, links and JSON are sound."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_example_of_the_readme_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = blocks(ROOT / "README.md", "python")
    exec(compile(program, "README.md", "exec"), {})
    counts, formula, value = capsys.readouterr().out.splitlines()
    assert f"# {counts}\n" in program
    assert re.fullmatch(r"max\(.+\) - max\(.+\)", formula)
    assert value == "(10/21,)"


def test_the_programs_of_the_tutorial_print_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    program = "".join(blocks(ROOT / "docs" / "tutorial.md", "python"))
    exec(compile(program, "tutorial.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert len(promised) >= 3
    assert [line for line in printed if not line.startswith("max(")] == promised


@pytest.mark.parametrize("page", ["tropical-geometry.md", "coming-from.md"])
def test_the_tropical_algebra_prints_what_it_says(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = blocks(ROOT / "docs" / page, "python")
    exec(compile(program, page, "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)


def test_every_page_is_in_the_contents() -> None:
    listed = set(re.findall(r"^([\w-]+)$", (ROOT / "docs" / "index.md").read_text(), re.MULTILINE))
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"README", "index"}
    assert pages | {"api", "commands"} == listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def anchors(page: Path) -> set[str]:
    """The names under which the headings of a page are reached."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_into_pages_lead_to_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
        assert anchor in anchors(page.parent / target if target else page), f"{target}#{anchor}"


def test_every_page_is_linked_from_the_overview() -> None:
    linked = set(re.findall(r"\]\(([\w-]+)\.md", (ROOT / "docs" / "README.md").read_text()))
    # two pages only bring a file from elsewhere into the site, which the overview links itself; two are generated
    others = {"README", "index", "changelog", "results", "api", "commands"}
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} - others <= linked


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "json")], ids=lambda page: page.name)
def test_json_blocks_are_json(page: Path) -> None:
    for block in blocks(page, "json"):
        json.loads(block)
