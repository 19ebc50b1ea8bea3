"""The checker on its own: what it is made of, how it runs, what it says about files that are no proof."""

from __future__ import annotations

import ast
import gc
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from puiseux.certificates import checker as certificate_checker
from puiseux.certificates.certificate import write_certificate
from puiseux.certificates.checker import Invalid, NoCertificate, check

ROOT = Path(__file__).parents[3]
SOURCE = Path(certificate_checker.__file__)
PAGE = (ROOT / "docs" / "certificates.md").read_text()
TENT = re.findall(r"```text\n(\{\"format\":\"puiseux.*?)```", PAGE, re.DOTALL)[0]
TENT_COUNTS = {"cells": 4, "regions": 4, "regions_by_point": None, "affine_maps": 3}


def checked(text: str | bytes, folder: Path) -> dict[str, Any]:
    path = folder / "file"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return check(str(path))


def lines(**changes: str) -> str:
    """The example of the documentation with some lines replaced: ``line_5="..."`` (an empty text drops the line)."""
    found = TENT.splitlines()
    for name, text in changes.items():
        found[int(name.removeprefix("line_")) - 1] = text
    return "".join(f"{line}\n" for line in found if line)


def test_it_is_one_short_module_of_the_standard_library_alone() -> None:
    text = SOURCE.read_text()
    assert len(text.splitlines()) <= 300
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "__import__")
    assert imported <= sys.stdlib_module_names


def test_it_runs_as_a_script_without_anything_installed(tmp_path: Path) -> None:
    (tmp_path / "checker.py").write_text(SOURCE.read_text())
    for name, text in {"good": TENT, "bad": lines(line_9='["cell",[-1,2]]'), "none": "{}\n"}.items():
        (tmp_path / name).write_text(text)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "checker.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    good, bad, none, missing, nothing = run("good"), run("bad"), run("none"), run("missing"), run()
    assert (good.returncode, bad.returncode, none.returncode, missing.returncode, nothing.returncode) == (0, 1, 2, 2, 2)
    assert good.stdout.startswith("good: valid: {")
    assert '"cells": 4' in good.stdout
    assert bad.stderr == "bad: line 9: the point is not inside the cell\n"
    assert all(len(run_.stderr.splitlines()) == 1 and run_.stdout == "" for run_ in (bad, none, missing, nothing))


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    found = checked(TENT, tmp_path)
    assert found["counts"] == TENT_COUNTS
    assert (found["kind"], found["input_dim"], found["walls"]) == ("cells", 1, [])
    assert checked(gzip.compress(TENT.encode()), tmp_path) == found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"line_2": '["split",0]'}, "line 3: .*decided already"),
        ({"line_2": '["split",3]'}, "line 2: .*different numbers below 3"),
        ({"line_2": '["split",-1]'}, "line 2: .*different numbers below 3"),
        ({"line_2": '["split",true]'}, "line 2: .*not a list of 1 integers"),
        ({"line_2": '["split"]'}, "line 2: is not what the format asks for"),
        ({"line_2": '["cut",1]'}, "line 2: is not what the format asks for"),
        ({"line_2": "[]"}, "line 2: is not what the format asks for"),
        ({"line_2": "7"}, "line 2: truncated: a side of a split is missing"),
        ({"line_2": "{nonsense"}, "line 2: is not what the format asks for"),
        ({"line_2": "[" * 100_000}, "line 2: is not what the format asks for"),
        ({"line_2": f'["split",{"1" * 5000}]'}, "line 2: is not what the format asks for"),
        ({"line_3": ""}, "line 4: no cell ends here"),
        ({"line_3": '["sign",[0],[],[0]]'}, "line 3: the multipliers fail"),
        ({"line_3": '["sign",[],[0],[]]'}, "line 3: the multipliers fail"),
        ({"line_3": '["sign",[0,0],[0],[]]'}, "line 3: .*different numbers"),
        ({"line_3": '["sign",[1],[0],[]]'}, "line 3: .*different numbers below 1"),
        ({"line_3": '["sign",[0],[0,0],[]]'}, "line 3: .*different numbers"),
        ({"line_3": '["sign",[0],[2],[]]'}, "line 3: the multipliers fail"),
        ({"line_5": '["cell",[1,1]]'}, "line 5: the point is not inside"),
        ({"line_5": '["cell",[-4,-1]]'}, "line 5: .*denominator"),
        ({"line_5": '["cell",[4,0]]'}, "line 5: .*denominator"),
        ({"line_5": '["cell",[4.0,1]]'}, "line 5: .*not a list of 2 integers"),
        ({"line_5": '["cell",[4]]'}, "line 5: .*not a list of 2 integers"),
        # nothing shows that this leaf and the other one with its map are apart
        ({"line_5": '["cell",[4,1]]'}, "line 11: .*neither joined nor shown to be apart"),
        ({"line_5": '["cell",[4,1],[[1,0,1]]]'}, "line 11: .*neither joined nor shown to be apart"),
        ({"line_5": '["cell",[4,1],[[1,0,1]],[]]'}, "line 5: not every row is facet or redundant"),
        ({"line_5": '["cell",[4,1],[],[[0,[1]],[1,[0]]]]'}, "line 5: a redundant row must follow from facets alone"),
        ({"line_5": '["cell",[4,1],[[0,0,1]],[[1,[0]]]]'}, "line 5: the way does not leave through row 0 alone"),
        ({"line_5": '["cell",[4,1],[[1,3,1]],[[0,[1]]]]'}, "line 5: the target is not beyond row 1"),
        ({"line_5": '["cell",[4,1],[[1,0,1]],[[0,[0]]]]'}, "line 5: a redundant row must follow from facets alone"),
        ({"line_10": ""}, "line 10: truncated: a side of a split is missing"),
        ({"line_10": '["cell",[-1,1]]\n["cell",[-1,1]]'}, "line 11: no cell ends here"),
        ({"line_11": ""}, "line 10: truncated"),
        ({"line_11": '{"end":{"cells":4,"regions":3,"regions_by_point":null,"affine_maps":3}}'}, "line 11: claims"),
        ({"line_11": '{"end":{"cells":4,"regions":4,"affine_maps":3}}'}, "line 11: claims"),
        ({"line_11": TENT.splitlines()[-1] + "\n[]"}, "line 11: the file goes on after its end"),
    ],
)
def test_a_change_is_named(changes: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=f"^{message}"):
        checked(lines(**changes), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"digest":"8', '"digest":"9', "the digest of the network is"),
        ('["1","-2","1"]', '["1","-2","2"]', "the digest of the network is"),
        ('"kind":"cells"', '"kind":"cell"', "is not what the format asks for"),
        ('"walls":[]', '"walls":[[1]]', "not a list of 2 integers"),
        (',"walls":[]', "", r"the field \['walls'\] is missing or unknown"),
        ('"walls":[]', '"walls":[],"more":1', r"the field \['more'\] is missing or unknown"),
        ('"puiseux-network",1,1', '"puiseux-network",1,1.0', "the network has another format"),
    ],
)
def test_a_wrong_header_is_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert TENT.count(old) == 1
    with pytest.raises(Invalid, match=f"^line 1: .*{message}"):
        checked(TENT.replace(old, new), tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        '["puiseux-network",1,1,[[[[0,[["1"],["1"]]]],["0"]]],[[],["0"]]]',
        '["puiseux-network",1,1,[[[[1,[["1"]]]],["0"]]],[[],["0"]]]',
        '["puiseux-network",1,1,[[[[-1,[["1"]]]],["0"]]],[[],["0"]]]',
        '["puiseux-network",1,1,[[[[0,[["1"]]],[0,[["1"]]]],["0"]]],[[],["0"]]]',
        '["puiseux-network",1,1,[[[],[]]],[[],["0"]]]',
        '["puiseux-network",1,1,[[[[0,[["1","2"]]]],["0"]]],[[],["0"]]]',
        '["puiseux-network",1,1,[],[[],["1/0"]]]',
        '["puiseux-network",1,1,[],[[],["1e9"]]]',
        '["puiseux-network",1,1,[],[[],[1]]]',
        '["puiseux-network",1,1,[],[[],["\\u0661"]]]',
        '["puiseux-network",1,-1,[],[[],["1"]]]',
        '["puiseux-network",1,1000000000000,[],[[],["1"]]]',
    ],
)
def test_a_network_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    digest = hashlib.sha256(json.dumps(json.loads(content), separators=(",", ":")).encode()).hexdigest()
    header = f'{{"format":"puiseux-certificate","version":1,"kind":"cells","digest":"{digest}","network":{content},'
    end = '{"end":{"cells":1,"regions":1,"regions_by_point":null,"affine_maps":1}}'
    with pytest.raises(Invalid, match=r"^line \d: "):
        checked(f'{header}"walls":[]}}\n["cell",[0,1]]\n{end}\n', tmp_path)


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"{}", b"[]\n", b"\x89PNG\r\n", b'{"format":"puiseux-network"}\n', b'{"version":1}\n', b"\x1f\x8b"],
)
def test_a_file_that_is_no_certificate(text: bytes, tmp_path: Path) -> None:
    with pytest.raises((NoCertificate, Invalid) if text.startswith(b"\x1f") else NoCertificate):
        checked(text, tmp_path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(NoCertificate, match="cannot be read"):
            check(str(path))
    with pytest.raises(NoCertificate, match="version 2; this checker reads version 1"):
        checked(TENT.replace('"version":1', '"version":2'), tmp_path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    data = TENT.encode()
    for size in range(len(data)):
        with pytest.raises((Invalid, NoCertificate)) as refused:
            checked(data[:size], tmp_path)
        assert (refused.type is NoCertificate) == (size < data.index(b","))
    packed = gzip.compress(data)
    for size in range(2, len(packed)):
        with pytest.raises(Invalid):
            checked(packed[:size], tmp_path)


def test_damaged_compression_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TENT.encode()))
    for place in range(10, len(packed)):
        packed[place] ^= 0x55
        with pytest.raises((Invalid, NoCertificate)):
            checked(bytes(packed), tmp_path)
        packed[place] ^= 0x55


def test_lines_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_checker, "LINE_LIMIT", 400)
    assert checked(TENT, tmp_path)["counts"] == TENT_COUNTS
    with pytest.raises(Invalid, match=r"^line 3: is truncated, or longer than 400 bytes"):
        checked(lines(line_3='["sign",[0],[0],[]' + " " * 400 + "]"), tmp_path)


def test_memory_does_not_grow_with_the_cells(tmp_path: Path) -> None:
    path = tmp_path / "net.cert"
    net = ROOT / "tests" / "data" / "nets" / "d2_16_16_1_s0.npz"
    peaks = {}
    for domain in ("box:-1/4,1/4", "box:-10,10"):
        cells = write_certificate(net, path, domain).cells
        found = []
        for _ in range(4):  # what other threads allocate meanwhile, and modules that are loaded, are counted with it
            gc.collect()
            tracemalloc.start()
            assert check(str(path))["counts"]["cells"] == cells
            found.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        peaks[cells] = min(found)
    (few, small), (many, large) = sorted(peaks.items())
    assert many > 20 * few
    assert large < 1.2 * small


def test_a_planted_proof_of_a_wrong_count_fails(tmp_path: Path) -> None:
    # two cells taken for one: the split at the kink is left out and a sign claimed instead
    assert "sign" in TENT
    for sign in ('["sign",[],[1],[]]', '["sign",[],[],[1]]'):
        text = lines(line_2=sign, line_3='["split",0]', line_4="", line_6="", line_7="", line_8="", line_9="")
        with pytest.raises(Invalid, match="the multipliers fail"):
            checked(text, tmp_path)


LONG_FRACTIONS = Network.from_layers([[[f"{k + 2}/{10**30 + k}"] for k in range(40)], [[1] * 40]])
LONG_INTEGERS = Network.from_layers([[[1] * 50], [[10**3000]]])


@pytest.mark.parametrize(
    ("net", "limit", "message"),
    [
        (LONG_INTEGERS, 1000, "holds too many values"),
        (LONG_FRACTIONS, 20_000, "the denominators are too long"),
        (LONG_INTEGERS, 20_000, "the numbers of the network are too long for so many units and inputs"),
    ],
)
def test_memory_has_a_limit(
    net: Network, limit: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = "box:1,2" if net.input_dim == 1 else None
    cells = write_certificate(net, tmp_path / "c", domain).cells
    assert check(str(tmp_path / "c"))["counts"]["cells"] == cells == (1 if domain else 2)
    monkeypatch.setattr(certificate_checker, "MEMORY_LIMIT", limit)
    with pytest.raises(Invalid, match=f"line 1: {message}"):
        check(str(tmp_path / "c"))
    if "network" in message:
        with pytest.raises(UsageError, match=f"no certificate: {message}; round the network"):
            write_certificate(net, tmp_path / "d", domain)


def test_an_elimination_whose_numbers_grow_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[*((i + 2) ** (j + 7) for j in range(5)), 1] for i in range(5)]
    total = [list(map(sum, zip(*rows, strict=True)))]
    certificate_checker._combine(rows, total)
    monkeypatch.setattr(certificate_checker, "MEMORY_LIMIT", 100)
    with pytest.raises(Invalid, match="numbers of a proof get too long"):
        certificate_checker._combine(rows, total)
