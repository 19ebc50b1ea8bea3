// Python's way to the linear programs: arrays in, arrays out.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "basis_proof.hpp"
#include "dual_simplex.hpp"

namespace nb = nanobind;
using namespace puiseux;

namespace {

template <class T, int N>
using Array = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
using Rows = Array<const double, 2>;
using Vector = Array<const double, 1>;
using Names = Array<std::int64_t, 1>;

void require(bool fits) {
    if (!fits) throw std::invalid_argument("the shapes of the arrays of a linear program do not fit together");
}

/// Call with the dimension as a constant where it is small.
template <class F>
auto with_dimension(std::size_t d, F&& f) {
    switch (d) {
        case 2: return f(std::integral_constant<int, 2>());
        case 3: return f(std::integral_constant<int, 3>());
        case 4: return f(std::integral_constant<int, 4>());
        case 5: return f(std::integral_constant<int, 5>());
        case 6: return f(std::integral_constant<int, 6>());
        default: return f(std::integral_constant<int, 0>());
    }
}

/// The dimension of rows (a, b), after a look at the arrays that go with them.
int dimension_of(const Rows& rows, std::int64_t equal, std::size_t top) {
    require(rows.shape(1) >= 1 && rows.shape(1) < (1 << 15) && top == rows.shape(1));
    require(equal >= 0 && std::size_t(equal) <= rows.shape(0));
    return int(rows.shape(1)) - 1;
}

int propose(const Rows& rows, std::int64_t equal, const Vector& top, bool symbolic, const Names& basis, const Array<double, 1>& point,
            const Array<double, 2>& inverse) {
    const int dim = dimension_of(rows, equal, top.shape(0));
    const std::size_t d = std::size_t(dim);
    require(basis.shape(0) == d + 1 && point.shape(0) == d && inverse.shape(0) == d && inverse.shape(1) == d);
    nb::gil_scoped_release release;
    return with_dimension(d, [&](auto D) {
        Workspace room(dim);
        const Program<D> p{dim, rows.data(), std::int64_t(rows.shape(0)), equal, top.data(), symbolic};
        return int(DualSimplex<D>(p, basis.data(), point.data(), inverse.data(), room).run());
    });
}

template <int D>
Outcome propose_and_prove_with(const Program<D>& p, std::int64_t* basis, double* point, Workspace& room) {
    const Outcome found = DualSimplex<D>(p, basis, point, room.matrix(), room).run();
    const bool proven = found == Outcome::optimal && BasisProof<D>(p, basis, point, room.matrix(), room).holds();
    return proven ? Outcome::proven : found;
}

int propose_and_prove(const Rows& rows, std::int64_t equal, const Vector& top, const Names& basis, const Array<double, 1>& point) {
    const int dim = dimension_of(rows, equal, top.shape(0));
    require(basis.shape(0) == std::size_t(dim) + 1 && point.shape(0) == std::size_t(dim));
    nb::gil_scoped_release release;
    return with_dimension(std::size_t(dim), [&](auto D) {
        Workspace room(dim);
        const Program<D> p{dim, rows.data(), std::int64_t(rows.shape(0)), equal, top.data(), true};
        return int(propose_and_prove_with(p, basis.data(), point.data(), room));
    });
}

void prove_many(const Rows& rows, const Rows& targets, const Array<std::int64_t, 2>& names, const Names& statuses) {
    const int dim = dimension_of(rows, 0, targets.shape(1));
    const std::size_t count = targets.shape(0), width = std::size_t(dim) + 1;
    require(names.shape(0) == count && names.shape(1) == width && statuses.shape(0) == count);
    nb::gil_scoped_release release;
    with_dimension(std::size_t(dim), [&](auto D) {
        Workspace room(dim);
        std::vector<double> point(width), top(width);
        for (std::size_t i = 0; i < count; ++i) {
            std::copy_n(targets.data() + i * width, width - 1, top.data());  // the cap is not read
            const Program<D> p{dim, rows.data(), std::int64_t(rows.shape(0)), 0, top.data(), true};
            statuses.data()[i] = std::int64_t(propose_and_prove_with(p, names.data() + i * width, point.data(), room));
        }
        return 0;
    });
}

std::int64_t doubtful(const Rows& rows, std::int64_t equal, const Vector& point, bool homogeneous, const Names& indices) {
    const int dim = dimension_of(rows, std::min<std::int64_t>(equal, std::int64_t(rows.shape(0))), rows.shape(1));
    require(point.shape(0) == std::size_t(dim) && indices.shape(0) == rows.shape(0));
    nb::gil_scoped_release release;
    return with_dimension(std::size_t(dim), [&](auto D) {
        const Program<D> p{dim, rows.data(), std::int64_t(rows.shape(0)), equal, nullptr, true};
        return doubtful_rows(p, point.data(), homogeneous, indices.data());
    });
}

}  // namespace

void add_programs(nb::module_& m) {
    using nb::arg;
    m.def("propose", &propose, arg("rows"), arg("n_equal"), arg("top"), arg("symbolic"), arg("basis").noconvert(), arg("point").noconvert(),
          arg("inverse").noconvert(), "Propose a final basis by the dual simplex method.");
    m.def("propose_and_prove", &propose_and_prove, arg("rows"), arg("n_equal"), arg("top"), arg("basis").noconvert(), arg("point").noconvert(),
          "The same with a symbolic cap; says whether the basis is proven to be the only optimum.");
    m.def("prove_many", &prove_many, arg("rows"), arg("targets"), arg("names").noconvert(), arg("statuses").noconvert(),
          "The same without equalities for many objectives.");
    m.def("doubtful", &doubtful, arg("rows"), arg("n_equal"), arg("point"), arg("homogeneous"), arg("indices").noconvert(),
          "The rows that are not proven to hold strictly at a point.");
}
