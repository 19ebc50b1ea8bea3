"""What runs keep of zeros, residues and memory, against the standard library, and wrong code that has to be found."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parents[3] / "nn_bridge" / "cells" / "core"

HEADERS = ("zero_sets.hpp", "repeats.hpp", "seen.hpp", "spares.hpp", "groups.hpp", "covers.hpp", "growing.hpp")

PLANTED = (
    # what is wrong: the expression in the core, and what stands there instead
    ("bits that begin one too early", "begin & 63", "(begin & 63) - ((begin & 63) > 0)"),
    ("no bits in the second word that is read", "shift + count > 64", "false"),
    ("no bits in the second word that is written", "shift && members >> (64 - shift)", "false"),
    ("bits of the next stage", "found & (bit(count) - 1)", "found"),
    ("the first of two residues not marked", "mask[first[slot] - 1] = 1", "1"),
    ("residues taken for others", "residues[first[slot] - 1] != residues[k]", "false"),
    ("a bit that does not become many", "~std::uint64_t{0} >> (64 - (1 << more))", "std::uint64_t{1}"),
    (
        "bits where they were before",
        "(64 * q + std::size_t(std::countr_zero(set))) << more",
        "64 * q + std::size_t(std::countr_zero(set))",
    ),
    ("no memory kept", "bytes > LARGEST", "true"),
    ("memory kept without end", "bytes > LARGEST", "false"),
    ("a larger array not kept", "least.capacity() < array.capacity()", "false"),
    ("a smaller array kept", "least.capacity() < array.capacity()", "true"),
    ("memory changed for other memory", "block_.capacity() > 0", "false"),
    ("memory kept where it is short", "kept.count > 0", "false"),
    ("too many taken for few", "count > SIZE_MAX / sizeof(T)", "false"),
    ("a second pattern taken for the first", "slot |= SEVERAL, true", "false"),
    ("several patterns forgotten", "slot |= SEVERAL, true", "true"),
    ("a table that is filled up", "taken_ > slots_.size() / 4 * 3", "taken_ + 1 == slots_.size() && bits_ < MOST"),
    ("stages in the order in which they come", "a.stage > b.stage", "false"),
    ("units of one stage with those of another", "s.stage == step.stage", "true"),
    ("units at another distance", "s.turn == step.turn", "true"),
)


@pytest.fixture(scope="module")
def program(compile_program, tmp_path_factory):
    """The program, with all wrong code in copies of these headers alone: the other sources take long to compile."""
    place = tmp_path_factory.mktemp("kept")
    headers = {name: (CORE / name).read_text() for name in HEADERS}
    for number, (_, right, wrong) in enumerate(PLANTED, 1):
        assert any(right in text for text in headers.values()), right
        chosen = f"(PLANTED == {number} ? {wrong} : ({right}))"
        headers = {name: text.replace(right, chosen) for name, text in headers.items()}
    for name, text in headers.items():
        (place / name).write_text(text)
    choice = place / "choice.hpp"
    choice.write_text("""#include <cstdlib>
static const int PLANTED = std::atoi(std::getenv("PUISEUX_PLANTED") ? std::getenv("PUISEUX_PLANTED") : "0");
""")
    return compile_program(HERE / "kept.cpp", f"-I{place}", "-include", str(choice), "-pthread")


def run(command: list[str], planted: int = 0) -> subprocess.CompletedProcess[str]:
    # memory is asked for that there is not: a sanitizer is to say so as other allocators do
    environment = os.environ | {"PUISEUX_PLANTED": str(planted), "ASAN_OPTIONS": "allocator_may_return_null=1"}
    return subprocess.run([*command, "1", "300"], env=environment, capture_output=True, text=True, check=False)


def test_every_answer_is_right(program):
    done = run(program)
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = {line.split("\t")[0] for line in done.stdout.splitlines()}
    assert len(kinds) == 17


@pytest.mark.parametrize("number", range(1, len(PLANTED) + 1), ids=[name for name, *_ in PLANTED])
def test_wrong_code_is_found(program, number):
    assert run(program, number).returncode != 0
