// What solving.hpp promises.
#include "solving.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "polish.hpp"

namespace puiseux::cells {

Solving::Solving(const Problem& problem, const AnyShape& shape, Counters& counters, Watch& watch)
    : problem_(problem), counters_(counters), watch_(watch), any_(shape), epoch_(problem.stages.size(), 1), owner_(size_t(64 * shape.facet_words())) {
    for (const Integers& wall : problem.walls) {
        std::vector<double>& row = walls_.emplace_back(size_t(any_.last()) + 1);
        round_to_row(wall, false, any_.last(), row.data());
    }
}

Solving::~Solving() = default;

const Integers& Solving::exact_row(int stage, int unit) {
    if (!exact_) exact_.emplace(problem_, *this);
    return exact_->row(stage, unit, epoch_);
}

Integers Solving::exact_row(Facet f) {
    if (!exact_) exact_.emplace(problem_, *this);
    return exact_->row(f, epoch_);
}

std::vector<Facet> Solving::owners(const Word* facets) const {
    std::vector<Facet> found;
    each_member(facets, any_.facet_words(), [&](int slot) { found.push_back(owner_[size_t(slot)]); });
    return found;
}

std::vector<Facet> Solving::facets_of(Word* g) const { return owners(any_.facets(g)); }

/// Note the sign that a value has for certain; false where there is none.
bool Solving::stores_sign(Word* g, int j, double value, double bound) const {
    const int sign = value > bound ? 1 : value < -bound ? -1 : 0;
    store_sign(g, j, sign);
    return sign != 0;
}

void Solving::decide_through_hidden(Word* before, Word* g, int stage, Word* unsure) {
    const Stage& net = problem_.stages[size_t(stage)];
    if (!net.chain) return;
    const Weights& weights = net.blocks[0];
    const FormTable below = table(stage - 1);
    const Word *pattern = this->pattern(stage - 1), *positive = any_.positive(before);
    const double *x = any_.x(g), e = any_.error(g), w = x[any_.last()];
    const bool ray = any_.is_ray(g);
    std::vector<int>& on = on_;
    on.clear();
    for (int i = 0; i < weights.inputs; ++i)
        if (pattern[i >> 6] & positive[i >> 6] & bit(i)) on.push_back(i);
    each_member(unsure, any_.words(), [&](int j) {
        if (!(net.error[size_t(j)] < UNKNOWN)) return;
        const double shift = ray ? 0.0 : net.bias[size_t(j)];
        double v = shift * w, terms = std::abs(v), doubt = ray ? 0.0 : std::abs(shift) * e + net.error[size_t(j)] * (std::abs(w) + e);
        bool empty = shift == 0 && doubt == 0;
        for (const int i : on) {
            const double z = weights.at(j, i);
            if (z == 0) continue;
            empty = false;
            const double t = z * below.value(i, x);
            v += t, terms += std::abs(t), doubt += std::abs(z) * below.tight_bound(i, x, e);
        }
        // without a term it is certainly zero
        const double b = (doubt + products(int(on.size()) + 2) * terms) * UP + UNDERFLOW_SLACK;
        if (empty || stores_sign(g, j, v, b)) unsure[j >> 6] &= ~bit(j);
    });
}

void Solving::decide(Word* g, int stage, const Word* unsure) {
    Units<DYNAMIC> left(unsure, any_.words());
    const FormTable forms = table(stage);
    for (int attempt = 0; attempt < 2; ++attempt) {
        left.each([&](int j) {
            const double *x = any_.x(g), v = forms.value(j, x), b = forms.tight_bound(j, x, any_.error(g));
            if ((b == 0 && v == 0) || stores_sign(g, j, v, b)) left.drop(j);
        });
        if (!left.any()) return;
        if (any_.error(g) < 1e-14) break;
        refine(g);
    }
    const Integers v = exact_point(g, stage);
    any_.error(g) = round_to_row(v, problem_.whole, any_.last(), any_.x(g));
    left.each([&](int j) {
        ++counters_.exact;
        store_sign(g, j, sign_of_dot(exact_row(stage, j), v));
    });
    watch_.spend(left.count() * dim() * 16);
}

void Solving::refine(Word* g) {
    if (!(any_.error(g) < 0.4)) return;  // its largest coordinate may have the wrong sign
    ++counters_.polished;
    watch_.spend(4 * dim() * dim() * dim());
    const int n = dim(), last = any_.last();
    Rows rows(n + 1);
    for (const Facet f : facets_of(g)) {
        if (f.kind >= 0) {
            const FormTable forms = table(f.kind);
            if (!(forms.error(f.number) < UNKNOWN)) continue;
            double* row = rows.add(forms.error(f.number));
            for (int c = 0; c < n; ++c) row[c] = forms.row(c)[f.number];
            row[n] = forms.row(last)[f.number];
        } else if (f.kind == Facet::AXIS) {
            rows.add(0)[f.number] = 1;
        } else if (f.number < 0) {
            rows.add(0)[n] = 1;
        } else {
            double* row = rows.add(UNIT_ROUNDOFF);
            const std::vector<double>& wall = walls_[size_t(f.number)];
            std::copy(wall.begin(), wall.begin() + n, row), row[n] = wall[size_t(last)];
        }
    }
    double* x = any_.x(g);
    std::vector<double> y(x, x + n);
    y.push_back(x[last]);
    double top = 0;
    for (const double z : y) top = std::max(top, std::abs(z));
    if (!(top > any_.error(g))) return;
    const double error = polish(rows, y);
    if (error < 0 || !(error < any_.error(g))) return;
    const bool ray = any_.is_ray(g);
    if (!ray && !(y[size_t(n)] > 0)) return;
    std::copy(y.begin(), y.begin() + n, x);
    x[last] = ray ? 0 : y[size_t(n)];
    any_.error(g) = error;
}

Integers Solving::exact_point(Word* g, int stage) {
    std::vector<Integers> rows;
    for (const Facet f : facets_of(g)) rows.push_back(exact_row(f));
    watch_.spend(std::int64_t(rows.size()) * dim() * dim() * 8);
    std::optional<Integers> v = null_vector_of(std::move(rows), size_t(dim()) + 1);
    if (!v) throw Contradiction("a generator lies on too few facets; please report this network");
    if (v->back().is_zero() && orientation(g, stage, *v) < 0)
        for (Integer& z : *v) z.negate();
    return std::move(*v);
}

/// Which of a ray and its negative is meant: by its largest coordinate where that is certain, else by any certain sign
/// of this stage, or of the stages before and the walls (the cell lies on one side of each).
int Solving::orientation(Word* g, int stage, const Integers& v) {
    const double* x = any_.x(g);
    int lead = 0;
    for (int c = 1; c < dim(); ++c)
        if (std::abs(x[c]) > std::abs(x[lead])) lead = c;
    if (std::abs(x[lead]) > any_.error(g)) return (x[lead] > 0 ? 1 : -1) * v[size_t(lead)].sign();
    for (int s = stage; s >= 0; --s)
        for (int j = 0; j < problem_.stages[size_t(s)].units; ++j) {
            const int side = s == stage ? any_.side(g, j) : pattern(s)[j >> 6] >> (j & 63) & 1 ? 1 : -1;
            const int sign = side ? sign_of_dot(exact_row(s, j), v) : 0;
            if (sign) return sign * side;
        }
    for (const Integers& wall : problem_.walls)
        if (const int sign = sign_of_dot(wall, v)) return sign;
    throw Contradiction("a ray without orientation; please report this network");
}

}  // namespace puiseux::cells
