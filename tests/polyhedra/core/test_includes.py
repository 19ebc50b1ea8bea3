"""Every file of the core includes the standard headers that it uses, whatever the headers of others bring along."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("polyhedra", "tropical", "nn_bridge")
    for path in (ROOT / package).rglob("core/*.[ch]pp")
)
NAMES = {
    "algorithm": "all_of any_of clamp copy copy_n count equal fill fill_n find lower_bound max max_element min "
    "min_element minmax none_of reverse rotate sort stable_sort swap_ranges transform unique upper_bound",
    "array": "array",
    "atomic": "atomic memory_order_relaxed",
    "bit": "bit_cast bit_width countl_zero countr_one countr_zero has_single_bit popcount",
    "chrono": "chrono",
    "cmath": "abs ceil floor fma frexp ilogb isfinite isnan ldexp signbit sqrt",
    "cstdint": "int32_t int64_t int8_t uint32_t uint64_t uint8_t",
    "cstring": "memcpy memmove memset",
    "exception": "current_exception exception exception_ptr rethrow_exception",
    "functional": "function",
    "limits": "numeric_limits",
    "memory": "addressof make_shared make_unique make_unique_for_overwrite shared_ptr unique_ptr",
    "mutex": "call_once lock_guard mutex once_flag",
    "new": "bad_alloc",
    "numeric": "accumulate gcd iota",
    "optional": "nullopt optional",
    "span": "span",
    "stdexcept": "invalid_argument length_error logic_error out_of_range overflow_error runtime_error",
    "string": "string to_string",
    "thread": "this_thread thread",
    "tuple": "make_tuple tie tuple",
    "type_traits": "conditional_t is_same_v remove_cvref_t remove_reference_t",
    "utility": "exchange forward move pair swap",
    "vector": "vector",
}
HEADER_OF = {name: header for header, names in NAMES.items() for name in names.split()}


def missing(text):
    code = re.sub(r"//.*", "", text)
    used = {HEADER_OF[name] for name in re.findall(r"\bstd::(\w+)", code) if name in HEADER_OF}
    return used - set(re.findall(r"^#include <(\w+)>", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", FILES)
def test_includes_what_it_uses(name):
    assert sorted(missing((ROOT / name).read_text())) == []


def test_a_header_that_is_missing_is_found():
    assert missing("#include <vector>\nstd::vector<std::pair<int, double>> f(double x) { return std::abs(x); }") == {
        "cmath",
        "utility",
    }
    assert missing("// std::sort\nint f();") == set()
