"""The report says what is known, escapes what it was given, leaves out with a reason, and opens without a network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from flint import fmpq

import puiseux
from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from puiseux.console.cli import run
from puiseux.pictures.pointer import SCRIPT, SCRIPT_HASH
from puiseux.questions.mathml import affine_mathml, number_mathml, rational_mathml
from puiseux.reading import save
from puiseux.report.report import render_report, write_report
from puiseux.report.sections import SECTIONS, number
from tests.nn_bridge.topology.test_sets import ANNULUS
from tropical.parsing import parse

TENT = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
PLANE = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, -1, 1], [0, 1, 1]]], [[0, 1, -1], [0, "1/3"]])
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Collects the text, the ids, the addresses that a browser would load, and checks that tags close."""

    VOID = frozenset(("meta", "link", "br", "img", "hr", "input"))

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.ids, self.loaded = "", [], []  # type: ignore[var-annotated]
        self.open: list[str] = []
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            # anchors only lead somewhere when they are followed; all else is loaded
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster") and tag != "a":
                self.loaded.append(value or "")
            assert not name.startswith("on"), (tag, name)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.text += data + " "


def assert_loads_nothing(page: Page) -> None:
    assert all(address.startswith(("#", "data:")) for address in page.loaded), page.loaded
    # the only script is our own, which the page's policy names by its sum
    assert page.scripts in ([], [SCRIPT])
    assert "iframe" not in page.tags


def test_the_report_of_a_plane_holds_every_part() -> None:
    text = render_report(PLANE)
    page = Page(text)
    assert_loads_nothing(page)
    anchors = [anchor for anchor, _, _ in SECTIONS]
    assert [name for name in page.ids if name in anchors] == anchors
    assert len(page.ids) == len(set(page.ids))
    counts = puiseux.count_regions(PLANE)
    for name, value in counts.counts.items():
        assert re.search(rf"{name}\s+{value}\s", page.text), name
    assert page.tags.count("svg") + page.tags.count("img") == 4
    parts = re.split('<section id="(?:bounds|formula)"', text)[1:]
    assert [part.split("</section>")[0].count("<math") for part in parts] == [page.tags.count("math") - 2, 2]
    for formula in puiseux.simplify(PLANE).outputs:
        assert html.escape(formula.to_text()) in text
    assert PLANE.digest() in page.text
    assert puiseux.__version__ in page.text
    assert "Left out" not in page.text
    assert "Exact and complete" in page.text
    assert "An independent engine" in page.text


def test_betti_numbers_stand_in_the_report() -> None:
    ring = render_report(ANNULUS)
    rows = re.findall(r"<td>output 0 ([^<]*)</td>((?:<td class=n>[^<]*</td>)+)<td>([^<]*)</td>", ring)
    found = {sign: (re.findall(r">(\d+)<", numbers)[:3], infinity) for sign, numbers, infinity in rows}
    assert found == {
        "&gt;= 0": (["1", "1", "0"], "2, 1, 0"),
        "&lt;= 0": (["2", "1", "0"], "2, 0, 0"),
        "= 0": (["2", "2", "0"], "3, 2, 0"),
    }
    assert "where output 1 is at least all others" in Page(render_report(PLANE)).text


def test_one_input_has_its_graph_and_formula() -> None:
    page = Page(render_report(TENT, domain="box:-1,1"))
    assert page.tags.count("svg") == 1
    assert "box:-1,1" in page.text
    assert "max" in page.text


def test_three_inputs_are_pictured_and_more_say_why_not() -> None:
    three = Network.from_layers([[[1, 0, 0], [0, 1, 1]], [[1, 1]]])
    tags = Page(render_report(three)).tags
    assert tags.count("img") + tags.count("svg") == 2
    four = Page(render_report(Network.from_layers([[[1, 0, 0, 2], [0, 1, 1, 1]], [[1, 1]]])))
    assert "Left out: 4 inputs cannot be drawn; a plane through them can" in four.text


@pytest.mark.parametrize("net", [[[[1, 2]]], [[[0, 0]], [[1]]], [[[1, 1], [1, 1], [-1, -1]], [[1, 1, 1]]]])
def test_degenerate_networks_have_a_whole_page(net: list[list[list[int]]]) -> None:
    page = Page(render_report(Network.from_layers(net)))
    assert "Left out" not in page.text
    assert_loads_nothing(page)


def test_one_picture_that_cannot_be_drawn_leaves_the_others() -> None:
    huge = Network.from_layers([[[10**200, 0]], [[10**200]]])
    text = render_report(huge)
    page = Page(text)
    assert page.tags.count("svg") == 3
    assert page.text.count("the values are too large for a picture of values") == 2
    assert "<mn>inf" not in text
    assert_loads_nothing(page)


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    evil = tmp_path / "<img src=x onerror=alert(1)>&'\".json"
    save(TENT, evil)
    page = Page(render_report(evil, command="<script>"))
    assert_loads_nothing(page)
    assert "img" not in page.tags
    assert "<img src=x onerror=alert(1)>&'\".json" in page.text
    assert "<script>" in page.text


def test_a_network_that_takes_too_long_says_so() -> None:
    rows = [[(7 * i + 3 * k) % 23 - 11 for k in range(8)] for i in range(24)]
    large = Network.from_layers([rows, [[(i * j) % 5 - 2 for i in range(24)] for j in range(12)], [[1] * 12]])
    page = Page(render_report(large, time_limit=0.5))
    assert "≥" in page.text
    assert "Incomplete" in page.text
    assert page.text.count("Left out:") >= 3
    assert "lower bounds only" in page.text
    assert "Exact and complete" not in page.text


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"report\.pdf: a report is an \.html file"):
        write_report(TENT, tmp_path / "report.pdf")
    with pytest.raises(UsageError, match="positive number of seconds"):
        write_report(TENT, tmp_path / "report.html", time_limit=0)
    with pytest.raises(UsageError, match="its folder does not exist"):
        write_report(TENT, tmp_path / "nowhere" / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_page_and_how_to_make_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, page = tmp_path / "a net.json", tmp_path / "page.html"
    save(PLANE, net)
    assert run(["report", str(net), "-o", str(page), "--domain", "box:-1,1", "--output", "1"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"wrote {page}\n")
    text = html.unescape(page.read_text())
    assert "puiseux report 'a net.json' -o page.html --domain box:-1,1 --output 1 --time-limit 60" in text
    assert f"{tmp_path}" not in text


def test_numbers_for_people() -> None:
    assert number(1234567) == "1,234,567"
    assert number(None) == "–"
    assert number(10**18) == "1.00 · 10<sup>18</sup>"
    assert number(25 * 10**9999) == "2.50 · 10<sup>10000</sup>"


def test_formulas_in_mathml() -> None:
    assert number_mathml(fmpq(7)) == "<mn>7</mn>"
    assert number_mathml(fmpq(1, 3)) == "<mfrac><mn>1</mn><mn>3</mn></mfrac>"
    assert number_mathml(fmpq(10**9 + 1, 10**9)) == "<mn>1</mn>"
    assert number_mathml(fmpq(25 * 10**399)) == "<mn>2.5</mn><mo>·</mo><msup><mn>10</mn><mn>400</mn></msup>"
    assert number_mathml(fmpq(1, 4 * 10**400)) == "<mn>2.5</mn><mo>·</mo><msup><mn>10</mn><mn>-401</mn></msup>"
    x1 = "<msub><mi>x</mi><mn>1</mn></msub>"
    assert affine_mathml([fmpq(-1), fmpq(0)], fmpq(2)) == f"<mrow><mo>−</mo>{x1}<mo>+</mo><mn>2</mn></mrow>"
    assert affine_mathml([fmpq(0)], fmpq(0)) == "<mrow><mn>0</mn></mrow>"
    exact = rational_mathml(parse("max(2x1, x1 + 1, 3, 4x1 - 1) - max(x1, 0)"))
    assert exact.count("<mtr>") == 4
    assert "≈" not in exact
    assert "≈" in rational_mathml(parse("max(12345678/7x1, 0)"))


class Opened(NamedTuple):
    """A page as a browser shows it: its document, the lines of its console, the hosts that it asked."""

    document: str
    console: list[str]
    hosts: set[str]


def opened(page: Path, folder: Path) -> Opened:
    log, profile = folder / "net.json", folder / "profile"
    profile.mkdir(exist_ok=True)
    quiet = ["gpu", "quic", "background-networking", "component-update", "sync", "default-apps", "extensions"]
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--no-first-run",
        *(f"--disable-{name}" for name in quiet),
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
        f"--log-net-log={log}",
        "--enable-logging=stderr",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    recorded = log.read_text()
    try:
        events = json.loads(recorded)["events"]
    except ValueError:  # the browser ends without closing the list
        events = json.loads(recorded.rstrip().rstrip(",") + "]}")["events"]
    hosts = {urlsplit(event["params"]["url"]).hostname or "" for event in events if "url" in event.get("params", {})}
    # the browser itself looks for updates
    foreign = {host for host in hosts if host and not host.endswith((".google.com", ".googleapis.com"))}
    return Opened(done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line], foreign)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here to open the page with")
def test_a_browser_shows_the_page_without_errors_and_without_a_connection(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(PLANE, page)
    seen = opened(page, tmp_path)
    assert seen.console == []
    assert seen.hosts == set()
    assert seen.document.rstrip().endswith("</html>")
    assert f"script-src 'sha256-{SCRIPT_HASH}'" in seen.document  # and no error says that it was blocked
    assert seen.document.count("<svg") + seen.document.count("<img") == 4
    assert seen.document.split('id="formula"')[1].count("<math") == 2
    assert "Exact and complete" in seen.document


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here to open the page with")
def test_the_browser_would_have_shown_errors_and_connections(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://example.invalid/x.png'><script>console.error('boo')</script>")
    seen = opened(page, tmp_path)
    assert len(seen.console) == 1
    assert seen.hosts == {"example.invalid"}
