// Signs of units at generators: by the lemma of bounds.hpp, by tighter bounds at better coordinates, and at last exactly.
// Source: floating-point filters before exact arithmetic (Fortune and Van Wyk 1993, Efficient exact arithmetic for
// computational geometry).
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "exact.hpp"
#include "forms.hpp"
#include "polish.hpp"
#include "watch.hpp"

namespace puiseux::cells {

/// Where the walk is: the pattern of the stages that are done, the forms under it, and what the facet slots stand for.
template <class S>
class Signing {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY Signing(const Problem& problem, const S& shape, Counters& counters, Watch& watch)
        : problem_(problem), shape_(shape), counters_(counters), watch_(watch), active_(problem.stages.size(), shape.none()),
          epoch_(problem.stages.size(), 1), owner_(size_t(64 * shape.facet_words())) {
        for (int s = 0; s < int(problem.stages.size()); ++s) forms_.emplace_back(problem, shape_, s);
        for (const Integers& wall : problem.walls) {
            std::vector<double>& row = walls_.emplace_back(size_t(shape_.last()) + 1);
            round_to_row(wall, false, shape_.last(), row.data());
        }
    }
    Signing(const Signing&) = delete;
    Signing& operator=(const Signing&) = delete;

protected:
    const Problem& problem_;
    const S shape_;
    Counters& counters_;
    Watch& watch_;
    std::vector<Forms<S>> forms_;       // of each stage, on the way to the present cell
    std::vector<Set> active_;           // patterns of the stages that are done
    std::vector<std::uint64_t> epoch_;  // by stage: another number for another pattern of the stages before
    std::uint64_t clock_ = 1;
    std::vector<Facet> owner_;          // what the facet slots of the present cell stand for

    int dim() const { return problem_.dim; }
    int stages() const { return int(problem_.stages.size()); }
    bool is_last(int stage) const { return stage + 1 == stages(); }

    /// Note the pattern of a stage that is done.
    void set_active(int stage, const Set& positive) {
        if (active_[size_t(stage)] == positive) return;
        active_[size_t(stage)] = positive;
        ++clock_;
        for (int s = stage + 1; s < stages(); ++s) epoch_[size_t(s)] = clock_;
    }

    ExactForms<Set>& exact() {
        if (!exact_) exact_.emplace(problem_, active_);
        return *exact_;
    }
    const Integers& exact_row(int stage, int unit) { return exact().row(stage, unit, epoch_); }
    Integers exact_row(Facet f) { return exact().row(f, epoch_); }

    /// Find the signs of `wanted` units of a stage at a generator.
    void evaluate(Word* g, int stage, const Set& wanted) { evaluate_here(g, stage, wanted); }
    PUISEUX_INLINE void evaluate_here(Word* g, int stage, const Set& wanted) {
        const Forms<S>& forms = forms_[size_t(stage)];
        const Set open = wanted & forms.live();
        if (!open.any()) return;
        const int count = open.count();
        counters_.evaluations += count;
        watch_.spend(count);
        const double e = shape_.error(g);
        if (e > LOOSE) [[unlikely]] return decide(g, stage, open);
        const double* x = shape_.x(g);
        Word *positive = shape_.positive(g), *negative = shape_.negative(g);
        Set unsure = shape_.none();
        if (problem_.whole && e == 0) {
            if (8 * count <= forms.padded()) return decide(g, stage, open);
            const Signs<Set> s = forms.whole_signs(x);
            for (int q = 0; q < shape_.words(); ++q) positive[q] |= s.positive[q] & open[q], negative[q] |= s.negative[q] & open[q];
            unsure = s.unsure & open;
        } else if (8 * count > forms.padded()) {
            const Signs<Set> s = forms.signs_here(x, e);
            for (int q = 0; q < shape_.words(); ++q) positive[q] |= s.positive[q] & open[q], negative[q] |= s.negative[q] & open[q];
            unsure = s.unsure & open;
        } else {
            open.each([&](int j) {
                const double v = forms.value(j, x), b = forms.bound(j, e);
                const Word here = bit(j);
                positive[j >> 6] |= v > b ? here : 0;
                negative[j >> 6] |= v < -b ? here : 0;
                unsure[j >> 6] |= v > b || v < -b ? 0 : here;
            });
        }
        if (unsure.any()) [[unlikely]] decide(g, stage, unsure);
    }

    /// Signs from the values of the stage before, whose zeros are certain: behind a bottleneck, and at infinity, forms
    /// vanish where their rounded coefficients do not.  `before` is the generator with the signs of that stage.  Returns
    /// the units that are still unsure.
    [[gnu::noinline]] Set through_hidden(Word* before, Word* g, int stage, const Set& unsure) {
        const Stage& net = problem_.stages[size_t(stage)];
        if (!net.chain) return unsure;
        const Weights& weights = net.blocks[0];
        const Forms<S>& below = forms_[size_t(stage) - 1];
        const Set on = active_[size_t(stage) - 1] & shape_.positives(before);
        const double *x = shape_.x(g), e = shape_.error(g), w = x[shape_.last()];
        Set left = shape_.none();
        unsure.each([&](int j) {
            const bool ray = shape_.is_ray(g);
            if (!(net.error[size_t(j)] < UNKNOWN)) return left.add(j);
            const double shift = ray ? 0.0 : net.bias[size_t(j)];
            double v = shift * w, terms = std::abs(v), doubt = ray ? 0.0 : std::abs(shift) * e + net.error[size_t(j)] * (std::abs(w) + e);
            bool empty = shift == 0 && doubt == 0;
            on.each([&](int i) {
                const double z = weights.at(j, i);
                if (z == 0) return;
                empty = false;
                const double t = z * below.value(i, x);
                v += t, terms += std::abs(t), doubt += std::abs(z) * below.tight_bound(i, x, e);
            });
            if (empty) return;  // certainly zero
            const double b = (doubt + products(on.count() + 2) * terms) * UP + UNDERFLOW_SLACK;
            set_sign(g, j, v, b, left);
        });
        return left;
    }

    /// Signs that the lemma leaves open: tighter bounds, then better coordinates, then exact arithmetic.
    PUISEUX_RARELY void decide(Word* g, int stage, Set unsure) {
        for (int attempt = 0; attempt < 2; ++attempt) {
            Set left = shape_.none();
            unsure.each([&](int j) {
                const double *x = shape_.x(g), v = forms_[size_t(stage)].value(j, x);
                const double b = forms_[size_t(stage)].tight_bound(j, x, shape_.error(g));
                if (b == 0 && v == 0) return;
                set_sign(g, j, v, b, left);
            });
            unsure = left;
            if (!unsure.any()) return;
            if (shape_.error(g) < 1e-14) break;
            refine(g);
        }
        const Integers v = exact_point(g, stage);
        shape_.error(g) = round_to_row(v, problem_.whole, shape_.last(), shape_.x(g));
        unsure.each([&](int j) {
            ++counters_.exact;
            store_sign(g, j, sign_of_dot(exact_row(stage, j), v));
        });
        watch_.spend(unsure.count() * dim() * 16);
    }

    void store_sign(Word* g, int j, int sign) const {
        if (sign > 0) shape_.positive(g)[j >> 6] |= bit(j);
        if (sign < 0) shape_.negative(g)[j >> 6] |= bit(j);
    }

    /// Solve again for a generator from its facets.
    PUISEUX_RARELY void refine(Word* g) {
        if (!(shape_.error(g) < 0.4)) return;  // its largest coordinate may have the wrong sign
        ++counters_.polished;
        watch_.spend(4 * dim() * dim() * dim());
        const int n = dim(), last = shape_.last();
        Rows rows(n + 1);
        each_facet(g, [&](Facet f) {
            if (f.kind >= 0) {
                const Forms<S>& forms = forms_[size_t(f.kind)];
                if (!(forms.error(f.number) < UNKNOWN)) return;
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
        });
        double* x = shape_.x(g);
        std::vector<double> y(x, x + n);
        y.push_back(x[last]);
        double top = 0;
        for (const double z : y) top = std::max(top, std::abs(z));
        if (!(top > shape_.error(g))) return;
        const double error = polish(rows, y);
        if (error < 0 || !(error < shape_.error(g))) return;
        const bool ray = shape_.is_ray(g);
        if (!ray && !(y[size_t(n)] > 0)) return;
        std::copy(y.begin(), y.begin() + n, x);
        x[last] = ray ? 0 : y[size_t(n)];
        shape_.error(g) = error;
    }

    /// A generator's exact coordinates, as integers.
    PUISEUX_RARELY Integers exact_point(Word* g, int stage) {
        std::vector<Integers> rows;
        each_facet(g, [&](Facet f) { rows.push_back(exact_row(f)); });
        IntegerMatrix m(rows.size(), size_t(dim()) + 1);
        for (size_t i = 0; i < rows.size(); ++i) std::move(rows[i].begin(), rows[i].end(), m.row(i).begin());
        watch_.spend(std::int64_t(rows.size()) * dim() * dim() * 8);
        std::optional<Integers> v = null_vector(std::move(m));
        if (!v) throw Contradiction("a generator lies on too few facets; please report this network");
        if (v->back().is_zero() && orientation(g, stage, *v) < 0)
            for (Integer& z : *v) z.negate();
        return std::move(*v);
    }

    template <class F>
    void each_facet(Word* g, F&& f) const {
        for (int q = 0; q < shape_.facet_words(); ++q)
            for (Word w = shape_.facets(g)[q]; w; w &= w - 1) f(owner_[size_t(64 * q + std::countr_zero(w))]);
    }

private:
    std::optional<ExactForms<Set>> exact_;
    std::vector<std::vector<double>> walls_;

    void set_sign(Word* g, int j, double v, double b, Set& left) const {
        if (v > b) shape_.positive(g)[j >> 6] |= bit(j);
        else if (v < -b) shape_.negative(g)[j >> 6] |= bit(j);
        else left.add(j);
    }

    /// Which of a ray and its negative is meant: by its largest coordinate where that is certain, else by any certain sign
    /// of this stage, or of the stages before and the walls (the cell lies on one side of each).
    PUISEUX_RARELY int orientation(Word* g, int stage, const Integers& v) {
        const double* x = shape_.x(g);
        int lead = 0;
        for (int c = 1; c < dim(); ++c)
            if (std::abs(x[c]) > std::abs(x[lead])) lead = c;
        if (std::abs(x[lead]) > shape_.error(g)) return (x[lead] > 0 ? 1 : -1) * v[size_t(lead)].sign();
        for (int s = stage; s >= 0; --s)
            for (int j = 0; j < problem_.stages[size_t(s)].units; ++j) {
                const int side = s == stage ? shape_.side(g, j) : active_[size_t(s)].has(j) ? 1 : -1;
                const int sign = side ? sign_of_dot(exact_row(s, j), v) : 0;
                if (sign) return sign * side;
            }
        for (const Integers& wall : problem_.walls)
            if (const int sign = sign_of_dot(wall, v)) return sign;
        throw Contradiction("a ray without orientation; please report this network");
    }
};

}  // namespace puiseux::cells
