// Forms as exact integer rows, for the few decisions that floating point leaves open.
//
// Each stage is multiplied by one positive factor, so signs are those of the network.  Rows are kept while the pattern of
// the stages before stays the same.
// Source: exact signs where they are asked for alone (Yap 1997, Towards exact geometric computation).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "network.hpp"

namespace puiseux::cells {

/// The engine contradicts itself.
struct Contradiction : std::logic_error {
    using std::logic_error::logic_error;
};

template <class Set>
class ExactForms {
public:
    ExactForms(const Problem& problem, const std::vector<Set>& active)
        : problem_(problem), stages_(problem.exact()), active_(active), rows_(stages_.size()), epoch_(stages_.size(), 0) {
        for (size_t s = 0; s < stages_.size(); ++s) rows_[s].resize(stages_[s].bias.size());
    }

    /// A unit's form (dim + 1 integers) under the present pattern, which has the number `epoch[stage]` for each stage.
    const Integers& row(int stage, int unit, const std::vector<std::uint64_t>& epoch) {
        auto& rows = rows_[size_t(stage)];
        if (epoch_[size_t(stage)] != epoch[size_t(stage)]) {
            for (Integers& r : rows) r.clear();
            epoch_[size_t(stage)] = epoch[size_t(stage)];
        }
        Integers& row = rows[size_t(unit)];
        if (!row.empty()) return row;
        const ExactStage& s = stages_[size_t(stage)];
        Integers sum(size_t(problem_.dim) + 1);
        sum.back() = s.bias[size_t(unit)];
        for (const ExactStage::Block& block : s.blocks)
            for (auto k = block.begin[size_t(unit)]; k < block.begin[size_t(unit) + 1]; ++k) {
                const int i = block.column[size_t(k)];
                const Integer& w = block.value[size_t(k)];
                if (w.is_zero()) continue;
                if (block.source < 0) {
                    sum[size_t(i)] += w;
                } else if (active_[size_t(block.source)].has(i)) {
                    const Integers& below = this->row(block.source, i, epoch);
                    for (size_t c = 0; c < sum.size(); ++c)
                        if (!below[c].is_zero()) sum[c].add_product(w, below[c]);
                }
            }
        return row = std::move(sum);
    }

    /// The row of a facet.
    Integers row(Facet f, const std::vector<std::uint64_t>& epoch) {
        if (f.kind >= 0) return row(f.kind, f.number, epoch);
        Integers r(size_t(problem_.dim) + 1);
        if (f.kind == Facet::AXIS) r[size_t(f.number)] = 1;
        else if (f.number < 0) r.back() = 1;
        else r = problem_.walls[size_t(f.number)];
        return r;
    }

private:
    const Problem& problem_;
    const std::vector<ExactStage>& stages_;
    const std::vector<Set>& active_;
    std::vector<std::vector<Integers>> rows_;
    std::vector<std::uint64_t> epoch_;
};

/// Round an exact vector to the coordinates of a generator's row, and return their error.
///
/// With whole numbers coordinates are integers without error where they fit; else the largest is scaled into [1/2, 1].
inline double round_to_row(Integers v, bool whole, int last, double* x) {
    const int dim = int(v.size()) - 1;
    for (int c = 0; c <= last; ++c) x[c] = 0;
    auto place = [&](int c) { return c == dim ? last : c; };
    make_primitive(v);
    if (whole) {
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
