"""The documentation is true: Python blocks run and print what they say, links and JSON are sound."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from puiseux.console.cli import run

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_example_of_the_readme_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    program = blocks(ROOT / "README.md", "python")[0]
    exec(compile(program, "README.md", "exec"), {})
    counts, formula, value = capsys.readouterr().out.splitlines()
    assert f"# {counts}\n" in program
    assert re.fullmatch(r"max\(.+\) - max\(.+\)", formula)
    assert value == "(10/21,)"


def four_questions() -> str:
    """The section of the README that answers four questions."""
    return (ROOT / "README.md").read_text().split("\n## Four questions", 1)[1].split("\n## ", 1)[0]


def pasted(folder: Path) -> None:
    """Make a folder what the README calls a checkout, as far as its programs look at it."""
    (folder / "examples").symlink_to(ROOT / "examples")


@pytest.mark.parametrize("number", range(4))
def test_the_programs_of_the_four_questions_run_as_pasted(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = re.findall(r"^```python\n(.*?)^```$", four_questions(), re.MULTILINE | re.DOTALL)[number]
    pasted(tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "README.md", "exec"), {"__name__": "pasted"})
    out = capsys.readouterr().out
    for promised in re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE):
        assert promised in out.splitlines()
    if number == 2:
        assert (tmp_path / "curve.png").stat().st_size > 5000
    if number == 3:
        assert "disagree" in out


def test_the_commands_of_the_four_questions_run_as_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pasted(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = [
        shlex.split(line, comments=True)
        for block in re.findall(r"^```sh\n(.*?)^```$", four_questions(), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(commands) >= 5
    for program, *arguments in commands:
        assert program == "puiseux"
        assert run(arguments) == 0, arguments
    assert {path.name for path in tmp_path.iterdir()} == {"examples", "boundary.png", "dual.svg", "curve.png"}


QUESTIONS = {
    "decision boundary": ("find-the-decision-boundary-of-a-classifier", "question-boundary.png"),
    "verify a property": ("verify-a-property", "question-property.png"),
    "Lipschitz constant": ("find-the-lipschitz-constant", "question-lipschitz.png"),
    "tropical curve and dual subdivision": ("draw-a-tropical-curve-and-its-dual-subdivision", "question-curve.png"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_words_of_a_question_lead_to_an_answer(question: str, capsys: pytest.CaptureFixture[str]) -> None:
    anchor, picture = QUESTIONS[question]
    assert run(["explain", *question.split()]) == 0
    assert len(capsys.readouterr().out) > 200
    assert anchor in anchors(ROOT / "docs" / "how-to.md")
    gallery = (ROOT / "docs" / "gallery.md").read_text()
    assert f"images/{picture}" in gallery
    assert f"how-to.md#{anchor}" in gallery
    assert (ROOT / "docs" / "images" / picture).stat().st_size > 5000


def test_every_use_has_a_picture_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text().split("\n## Four uses", 1)[1].split("\n## ", 1)[0]
    for use in ("Symbolic simplification", "Exact counts", "Monomial complexity", "Ground truth"):
        (row,) = [line for line in text.splitlines() if f"**{use}**" in line]
        assert (ROOT / re.findall(r"\((docs/images/[^)]+)\)", row)[0]).exists()


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
