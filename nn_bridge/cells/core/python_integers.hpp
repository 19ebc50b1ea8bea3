// Integers of Python, of any length, as those of the core.
#pragma once
#include <cstdint>
#include <utility>

#include <nanobind/nanobind.h>

#include "elimination.hpp"
#include "integers.hpp"

namespace puiseux::cells {

inline Integer integer_of(nanobind::handle h) {
    int overflow = 0;
    const long long small = PyLong_AsLongLongAndOverflow(h.ptr(), &overflow);
    if (!overflow) {
        if (small == -1 && PyErr_Occurred()) throw nanobind::python_error();
        return Integer(std::int64_t(small));
    }
    // limb by limb, in two's complement, until nothing but the sign is left
    Integer::Limbs limbs;
    nanobind::object rest = nanobind::borrow(h);
    const nanobind::object limb_bits = nanobind::int_(64);
    const long long end = overflow < 0 ? -1 : 0;
    for (bool left = true; left;) {
        const Integer::Limb limb = PyLong_AsUnsignedLongLongMask(rest.ptr());
        limbs.push_back(limb);
        rest = nanobind::steal(PyNumber_Rshift(rest.ptr(), limb_bits.ptr()));
        if (!rest.is_valid()) throw nanobind::python_error();
        left = PyLong_AsLongLongAndOverflow(rest.ptr(), &overflow) != end || overflow;
    }
    if (end) {
        Integer::Limb carry = 1;
        for (Integer::Limb& limb : limbs) limb = ~limb + carry, carry = carry && limb == 0;
        if (carry) limbs.push_back(1);
    }
    return Integer::of_limbs(std::move(limbs), end != 0);
}

inline Integers integers_of(nanobind::handle sequence) {
    Integers out;
    for (nanobind::handle h : sequence) out.push_back(integer_of(h));
    return out;
}

}  // namespace puiseux::cells
