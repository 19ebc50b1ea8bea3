// The integer rows of exact.hpp, and vectors that they annihilate.
#include "exact.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace puiseux::cells {

ExactForms::ExactForms(const Problem& problem, const Stages& stages)
    : problem_(problem), exact_(problem.exact()), stages_(stages), rows_(exact_.size()), epoch_(exact_.size(), 0) {
    for (size_t s = 0; s < exact_.size(); ++s) rows_[s].resize(exact_[s].bias.size());
}

const Integers& ExactForms::row(int stage, int unit, const std::vector<std::uint64_t>& epoch) {
    auto& rows = rows_[size_t(stage)];
    if (epoch_[size_t(stage)] != epoch[size_t(stage)]) {
        for (Integers& r : rows) r.clear();
        epoch_[size_t(stage)] = epoch[size_t(stage)];
    }
    Integers& row = rows[size_t(unit)];
    if (!row.empty()) return row;
    const ExactStage& s = exact_[size_t(stage)];
    Integers sum(size_t(problem_.dim) + 1);
    sum.back() = s.bias[size_t(unit)];
    for (const ExactStage::Block& block : s.blocks)
        for (auto k = block.begin[size_t(unit)]; k < block.begin[size_t(unit) + 1]; ++k) {
            const int i = block.column[size_t(k)];
            const Integer& w = block.value[size_t(k)];
            if (w.is_zero()) continue;
            if (block.source < 0) {
                sum[size_t(i)] += w;
            } else if (stages_.pattern(block.source)[i >> 6] >> (i & 63) & 1) {
                const Integers& below = this->row(block.source, i, epoch);
                for (size_t c = 0; c < sum.size(); ++c)
                    if (!below[c].is_zero()) sum[c].add_product(w, below[c]);
            }
        }
    return row = std::move(sum);
}

Integers ExactForms::row(Facet f, const std::vector<std::uint64_t>& epoch) {
    if (f.kind >= 0) return row(f.kind, f.number, epoch);
    Integers r(size_t(problem_.dim) + 1);
    if (f.kind == Facet::AXIS) r[size_t(f.number)] = 1;
    else if (f.number < 0) r.back() = 1;
    else r = problem_.walls[size_t(f.number)];
    return r;
}

namespace {

IntegerMatrix matrix_of(std::vector<Integers> rows, size_t columns) {
    IntegerMatrix m(rows.size(), columns);
    for (size_t i = 0; i < rows.size(); ++i) std::move(rows[i].begin(), rows[i].begin() + std::ptrdiff_t(columns), m.row(i).begin());
    return m;
}

}  // namespace

std::optional<Integers> null_vector_of(std::vector<Integers> rows, size_t columns) { return null_vector(matrix_of(std::move(rows), columns)); }

std::vector<Integers> null_basis_of(std::vector<Integers> rows, size_t columns) { return null_basis(matrix_of(std::move(rows), columns)); }

double round_to_row(Integers v, bool whole, int last, double* x) {
    const int dim = int(v.size()) - 1;
    for (int c = 0; c <= last; ++c) x[c] = 0;
    auto place = [&](int c) { return c == dim ? last : c; };
    if (whole) {
        make_primitive(v);
        bool fits = true;
        for (const Integer& z : v) fits = fits && z.bit_length() <= 53;
        if (fits) {
            for (int c = 0; c <= dim; ++c) x[place(c)] = v[size_t(c)].to_double().value;
            return 0;
        }
    }
    std::int64_t top = std::numeric_limits<std::int64_t>::min();
    for (const Integer& z : v)
        if (!z.is_zero()) top = std::max(top, z.rounded().exponent);
    bool exact = !whole;
    for (int c = 0; c <= dim; ++c) {
        const RoundedInteger r = v[size_t(c)].rounded();
        const double z = r.exponent - top > -450 ? std::ldexp(r.mantissa, int(r.exponent - top)) : 0.0;  // 2^-450 < SMALLEST
        exact = exact && r.error == 0 && (z != 0 || v[size_t(c)].is_zero());
        x[place(c)] = z;
    }
    return exact ? 0 : UNIT_ROUNDOFF;
}

}  // namespace puiseux::cells
