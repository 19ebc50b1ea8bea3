// The module polyhedra._core: says how the core was built, and proposes and proves bases of linear programs (programs.cpp).
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "integers.hpp"

namespace nb = nanobind;

void add_programs(nb::module_& m);

namespace {

std::string compiler() {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "another compiler";
#endif
}

/// Whether a * b + c is rounded twice, as the error bounds take for granted: once fused, it gives -2^-106 here, not 0.
bool rounds_each_operation(double a, double b, double c) { return a * b + c == 0; }

}  // namespace

NB_MODULE(_core, m) {
    nanobind::set_leak_warnings(false);  // a thread that is still at work when a program ends holds objects: no leak
    m.doc() = "How the compiled core was built, and the inner loops of linear programs.";
    add_programs(m);
    m.def(
        "about",
        [] {
            nb::dict out;
            out["source_sum"] = PUISEUX_SOURCE_SUM;
            out["compiler"] = compiler();
            out["limb_products"] =
#if defined(__SIZEOF_INT128__) && !defined(PUISEUX_NO_INT128)
                "128 bits";
#else
                "plain";
#endif
#ifdef NDEBUG
            out["assertions"] = false;
#else
            out["assertions"] = true;
#endif
            return out;
        },
        "The sum of the sources, the compiler, how limbs are multiplied, and whether assertions are checked.");
    m.def("rounds_each_operation", &rounds_each_operation, nb::arg("a"), nb::arg("b"), nb::arg("c"),
          "Whether a * b + c, computed as two operations, is zero.");
}
