// The module tropical._core: loops of pruning, arrays in, arrays out; `tropical._hull_kernels` describes them.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "enclosure.hpp"

namespace nb = nanobind;
using namespace puiseux::tropical;

namespace {

template <class T, int N>
using Array = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
using Rows = Array<const double, 2>;
using Vector = Array<const double, 1>;

void require(bool fits) {
    if (!fits) throw std::invalid_argument("the shapes of the arrays of terms do not fit together");
}

Terms terms_of(const Rows& A, const Vector& c) {
    require(A.shape(0) == c.shape(0) && A.shape(0) >= 1 && A.shape(1) < (1 << 14));
    return {std::int64_t(A.shape(0)), int(A.shape(1)), A.data(), c.data()};
}

template <class T>
void require_terms(const Terms& t, T begin, T end) {
    require(std::all_of(begin, end, [&](std::int64_t s) { return s >= 0 && s < t.count; }));
}

void winners(const Rows& A, const Vector& c, const Rows& points, const Array<std::int64_t, 1>& winner, const Array<bool, 1>& alone) {
    require(points.shape(1) == A.shape(1) && winner.shape(0) == points.shape(0) && alone.shape(0) == points.shape(0));
    nb::gil_scoped_release release;
    const Terms t = terms_of(A, c);
    std::vector<double> values(static_cast<std::size_t>(t.count));
    for (std::size_t i = 0; i < points.shape(0); ++i) {
        const Winner found = winner_at(t, points.data() + i * A.shape(1), values.data());
        winner.data()[i] = found.term, alone.data()[i] = found.alone;
    }
}

void locate(const Rows& A, const Vector& c, const Rows& query_a, const Vector& query_c, const Array<const std::int64_t, 1>& start, int steps,
            const Array<std::int64_t, 2>& basis, const Array<double, 2>& point, const Array<double, 2>& direction,
            const Array<std::int8_t, 1>& status) {
    const std::size_t n = A.shape(1), count = query_c.shape(0);
    require(query_a.shape(0) == count && query_a.shape(1) == n && start.shape(0) == n + 1 && basis.shape(0) == count);
    require(basis.shape(1) == n + 1 && point.shape(0) == count && point.shape(1) == n && direction.shape(0) == count);
    require(direction.shape(1) == n && status.shape(0) == count);
    nb::gil_scoped_release release;
    const Terms t = terms_of(A, c);
    require_terms(t, start.data(), start.data() + n + 1);
    Locator locator(t, start.data());
    for (std::size_t q = 0; q < count; ++q)
        status.data()[q] = std::int8_t(locator.locate(query_a.data() + q * n, query_c.data()[q], steps, basis.data() + q * (n + 1),
                                                      point.data() + q * n, direction.data() + q * n));
}

void proven_redundant(const Rows& A, const Vector& c, const Rows& query_a, const Vector& query_c, const Array<const std::int64_t, 2>& basis,
                      const Array<bool, 1>& proven) {
    const std::size_t n = A.shape(1), count = query_c.shape(0);
    require(query_a.shape(0) == count && query_a.shape(1) == n && basis.shape(0) == count && basis.shape(1) == n + 1);
    require(proven.shape(0) == count);
    nb::gil_scoped_release release;
    const Terms t = terms_of(A, c);
    require_terms(t, basis.data(), basis.data() + basis.size());
    Enclosure enclosure(t);
    for (std::size_t q = 0; q < count; ++q)
        proven.data()[q] = enclosure.redundant(query_a.data() + q * n, query_c.data()[q], basis.data() + q * (n + 1));
}

}  // namespace

NB_MODULE(_core, m) {
    nanobind::set_leak_warnings(false);  // a thread that is still at work when a program ends holds objects: no leak
    using nb::arg;
    m.doc() = "Loops of pruning: the largest term at points, dual simplex steps, proofs of redundancy.";
    m.def("winners", &winners, arg("A"), arg("c"), arg("points"), arg("winner").noconvert(), arg("alone").noconvert());
    m.def("locate", &locate, arg("A"), arg("c"), arg("query_a"), arg("query_c"), arg("start"), arg("max_steps"), arg("basis").noconvert(),
          arg("point").noconvert(), arg("direction").noconvert(), arg("status").noconvert());
    m.def("proven_redundant", &proven_redundant, arg("A"), arg("c"), arg("query_a"), arg("query_c"), arg("basis"), arg("proven").noconvert());
}
