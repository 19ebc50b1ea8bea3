// Single operations with the errors that they claim, for tests that compare them with rationals.
#pragma once
#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "cutting.hpp"
#include "polish.hpp"

namespace puiseux::cells {

namespace checks_detail {
struct Holder {
    std::shared_ptr<const Problem> problem;
    Counters counters;
    Watch watch;
};
}  // namespace checks_detail

class Checks : private checks_detail::Holder, public Cutting<Shape<DYNAMIC, DYNAMIC>> {
    using Any = Shape<DYNAMIC, DYNAMIC>;

public:
    using Row = std::vector<double>;

    explicit Checks(std::shared_ptr<const Problem> p)
        : Holder{std::move(p), {}, {}}, Cutting<Any>(*Holder::problem, Any(Holder::problem->dim, Holder::problem->words(), 2, 0), Holder::counters, Holder::watch) {}

    /// Make the forms of all stages for a pattern: the active units of each stage.
    void follow(const std::vector<std::vector<int>>& pattern) {
        for (int s = 0; s < stages(); ++s) {
            forms_[size_t(s)].follow(forms_, active_, clock_);
            Set on = shape_.none();
            for (const int j : pattern[size_t(s)]) on.add(j);
            set_active(s, on);
        }
    }

    /// Coefficients, size, error, and the power of two by which the unit is scaled.
    std::tuple<Row, double, double, int> form(int stage, int unit) const {
        const Forms<Any>& f = forms_[size_t(stage)];
        Row row;
        for (int c = 0; c <= dim(); ++c) row.push_back(f.row(c)[unit]);
        return {row, f.size(unit), f.error(unit), problem_.stages[size_t(stage)].exponent[size_t(unit)]};
    }

    /// The value of a form at a point with an error, the bound of the lemma and the tighter one.
    std::tuple<double, double, double> bounds(int stage, int unit, const Row& x, double e) const {
        const Forms<Any>& f = forms_[size_t(stage)];
        return {f.value(unit, x.data()), f.bound(unit, e), f.tight_bound(unit, x.data(), e)};
    }

    /// The point between two others where a form with values va and vb there vanishes.
    std::tuple<Row, double> join_points(const Row& x, double error_x, double va, double ea, const Row& y, double error_y, double vb, double eb) const {
        const size_t stride = size_t(shape_.stride());
        std::vector<Word> rows(3 * stride);
        Word *a = rows.data(), *b = a + stride, *g = b + stride;
        std::copy(x.begin(), x.end(), shape_.x(a)), std::copy(y.begin(), y.end(), shape_.x(b));
        shape_.error(a) = error_x, shape_.error(b) = error_y;
        join(a, va, ea, b, vb, eb, g);
        return {Row(shape_.x(g), shape_.x(g) + dim() + 1), shape_.error(g)};
    }

    static std::tuple<Row, double> polish_point(const std::vector<Row>& rows, const Row& errors, Row x) {
        Rows given(int(x.size()));
        for (size_t i = 0; i < rows.size(); ++i) std::copy(rows[i].begin(), rows[i].end(), given.add(errors[i]));
        const double error = polish(given, x);
        return {x, error};
    }
};

}  // namespace puiseux::cells
