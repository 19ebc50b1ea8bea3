// Cells that a set of inputs misses: proven bounds of the last stage's units on a whole cell, before it is cut any further.
//
// A *miss* is a list of (unit, sign) of the last stage.  A cell is left out where for some miss all units have these signs,
// strictly, on the whole closed cell.  In the last stage the signs at the generators decide that exactly, so the leaves that
// are left do not depend on the bounds; in earlier stages the bounds save the work below.
//
// Bounds.  Each point of a cell is a combination of its generators with weights that are not negative; fix one for each point.
// For a unit with pre-activation z keep numbers low(v), high(v) at the generators v such that, at each point of the cell, z
// lies between the combination of the low(v) and that of the high(v).  For the stage at hand both are z(v) itself, up to
// rounding.  Since ReLU is convex and positively homogeneous, relu(z) is at most the combination of max(0, high(v)); and it is
// at least that of the low(v), and at least 0, whichever is taken for the unit.  Sums with weights give the bounds of the next
// stage.  A last unit is positive on the cell if its low(v) are not negative, and positive at all vertices (rays only add).
//
// Rounding.  Bounds are a middle and a radius.  A sum of k products is off by at most products(k) times the sum of the sizes of
// its terms (bounds.hpp), so the radius of each term grows by that share of its size before they are summed; rounded weights
// count as one more rounding, and the error of a generator's coordinates as in the lemma there.  Overflow makes infinities and
// then numbers that are not numbers: all comparisons are written so that these prove nothing.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "forms.hpp"
#include "walk.hpp"

namespace puiseux::cells {

template <class S>
class Misses {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY Misses(const Problem& problem, const S& shape) : problem_(problem), shape_(shape), last_(problem.last_stage()), stages_(problem.stages.size()) {
        double below = 0;
        bool chain = true;
        for (int s = last_; s >= 0; --s) {
            const Stage& net = problem.stages[size_t(s)];
            effort_.push_back(below), whole_.push_back(!chain);
            if (s > 0) ahead_.emplace_back(problem, shape, last_ + 1 - s), ahead_active_.emplace_back(problem.stages.size(), shape.none());
            for (const Weights& block : net.blocks) below += block.inputs * net.padded / 2;
            chain = chain && net.chain;
            if (s > 0)
                for (const double e : net.error) usable_ = usable_ && e < UNKNOWN;
        }
        std::reverse(effort_.begin(), effort_.end()), std::reverse(whole_.begin(), whole_.end());
        odds_.resize(2 * SIZES * problem.stages.size());
    }

    /// The operations that bounds take on a cell with so many generators, about.
    double effort(int stage, int units, int count) const {
        const int next = problem_.stages[size_t(stage) + 1].padded;
        return count * (next * (problem_.dim + 4 + units) + (units + 4) * (problem_.dim + 8) + effort_[size_t(stage) + 1]);
    }

    /// Whether bounds are likely to save more than their effort, on a cell of a stage that so many of its units cut.
    ///
    /// Lines in general position cut a polygon into some 1 + k + k^2 / 4 cells, and each later stage cuts these again; how
    /// often bounds prove a miss is learnt for each stage and size of cells.  Now and then they are asked for all the same.
    bool promising(int stage, bool inside, int units, int count) {
        Odds& odds = odds_of(stage, inside, units);
        const double effort = this->effort(stage, units, count);
        const double k = units, below = (1 + k + k * k / 4) * double(1 << (last_ - 1 - stage)) * SPLIT;
        return double(odds.gone + 2) * below > double(odds.tried + 3) * effort || ++odds.passed % 64 == 0;
    }
    /// Note whether bounds proved a miss.
    void learn(int stage, bool inside, int units, bool gone) {
        Odds& odds = odds_of(stage, inside, units);
        ++odds.tried, odds.gone += gone;
    }

    /// Whether the signs at the generators of a cell of the last stage prove a miss.
    bool surely(const std::vector<Miss>& misses, Cell cell) const {
        return any(misses, [&](const Literal& l) {
            for (Word* g : cell) {
                const int side = l.positive ? shape_.side(g, l.unit) : -shape_.side(g, l.unit);
                if (side < 0 || (side == 0 && !shape_.is_ray(g))) return false;
            }
            return true;
        });
    }

    /// Whether bounds prove a miss on a cell of an earlier stage; `open` are its units that still cut the cell.
    bool provably(const std::vector<Miss>& misses, Cell cell, int stage, const Set& positive, const Set& open, const std::vector<Forms<S>>& forms,
                  const std::vector<Set>& active) {
        if (!usable_) return false;
        for (Word* g : cell)
            if (!(shape_.error(g) <= LOOSE)) return false;
        if (whole_[size_t(stage)]) {
            begin(cell, stage, forms[size_t(stage)], true);
            rectify(stage, cell.count);
        }
        look_ahead(cell, stage, positive - open, open, forms, active);
        for (int s = stage + 2; s <= last_; ++s) {
            rectify(s - 1, cell.count);
            weigh(cell, stage, s, forms, active);
        }
        Bounds& found = stages_[size_t(last_)];
        return any(misses, [&](const Literal& l) {
            for (int t = 0; t < cell.count; ++t) {
                const double middle = l.positive ? found.middle_at(t)[l.unit] : -found.middle_at(t)[l.unit];
                const double radius = found.radius_at(t)[l.unit];
                if (!(middle > radius || (middle >= radius && shape_.is_ray(cell[t])))) return false;
            }
            return true;
        });
    }

    /// What the last call of `provably` found about a unit of the last stage at a generator: a middle and a radius.
    std::pair<double, double> bounds(int t, int unit) {
        Bounds& found = stages_[size_t(last_)];
        return {found.middle_at(t)[unit], found.radius_at(t)[unit]};
    }

private:
    /// The bounds of a stage's units, before or after their ReLU, generator by generator.
    struct Bounds {
        int padded = 0;
        std::vector<double> middle, radius;
        void resize(int units, int count) {
            padded = units;
            const size_t n = size_t(units) * size_t(count);
            if (middle.size() < n) middle.resize(n), radius.resize(n);
        }
        double* middle_at(int t) { return &middle[size_t(t) * size_t(padded)]; }
        double* radius_at(int t) { return &radius[size_t(t) * size_t(padded)]; }
    };
    /// A term of a sum: the weights of all units on something that lies within a radius of a number.
    struct Term {
        const double* weights;
        double middle, radius;
    };

    /// How often bounds were asked for, proved a miss, and were passed over.
    struct Odds {
        std::int64_t tried = 0, gone = 0, passed = 0;
    };
    static constexpr double SPLIT = 1000;  // the operations that a cell is worth, about
    static constexpr int SIZES = 8;

    const Problem& problem_;
    const S& shape_;
    int last_;
    bool usable_ = true;                // whether the weights of all later stages are known up to their last place
    std::vector<double> effort_;        // by stage: of the bounds of later stages from those of this one, a generator
    std::vector<bool> whole_;           // by stage: whether others than the next one read it
    std::vector<Forms<S>> ahead_;       // of stages 1, 2, ..: the forms where the units that are open one stage before are off
    std::vector<std::vector<Set>> ahead_active_;
    std::uint64_t clock_ = 0;
    std::vector<Bounds> stages_;
    std::vector<Term> terms_, open_;
    std::vector<Odds> odds_;            // by stage, at its beginning or inside it, by the size of the number of units that cut

    Odds& odds_of(int stage, bool inside, int units) {
        return odds_[size_t((2 * stage + int(inside)) * SIZES + std::min(SIZES - 1, int(std::bit_width(unsigned(units)))))];
    }

    template <class Holds>
    static bool any(const std::vector<Miss>& misses, Holds&& holds) {
        for (const Miss& miss : misses)
            if (std::all_of(miss.begin(), miss.end(), holds)) return true;
        return false;
    }

    /// The lanes of some bits.
    static Mask lanes(const Word* bits, int j) {
        const auto four = std::int64_t(bits[j >> 6] >> (j & 63));
        return Mask{-(four & 1), -(four >> 1 & 1), -(four >> 2 & 1), -(four >> 3 & 1)};
    }

    /// The next stage: units that are on everywhere, or off, are part of its forms; the others lie between two bounds each.
    void look_ahead(Cell cell, int stage, const Set& on, const Set& open, const std::vector<Forms<S>>& forms, const std::vector<Set>& active) {
        const Forms<S>& here = forms[size_t(stage)];
        Forms<S>& ahead = ahead_[size_t(stage)];
        std::vector<Set>& pattern = ahead_active_[size_t(stage)];
        for (int s = 0; s < stage; ++s) pattern[size_t(s)] = active[size_t(s)];
        pattern[size_t(stage)] = on;
        ahead.follow(forms, pattern, clock_);
        begin(cell, stage + 1, ahead, false);
        const Stage& net = problem_.stages[size_t(stage) + 1];
        const Weights* block = nullptr;
        for (const Weights& w : net.blocks)
            if (w.source == stage) block = &w;
        if (!block || !open.any()) return;
        Bounds& b = stages_[size_t(stage) + 1];
        const int units = open.count(), count = cell.count;
        open_.assign(size_t(units) * size_t(count), {nullptr, 0, 0});
        int k = 0;
        open.each([&](int i) {
            Term* own = &open_[size_t(k++) * size_t(count)];
            double total = 0;
            for (int t = 0; t < count; ++t) {
                Word* g = cell[t];
                const double* x = shape_.x(g);
                own[t] = {block->row(i), here.value(i, x), here.error(i) < UNKNOWN ? here.tight_bound(i, x, shape_.error(g)) : UNKNOWN};
                total += own[t].middle;
            }
            for (int t = 0; t < count; ++t) {
                const int side = shape_.side(cell[t], i);  // the sign is known better than the value
                double low = own[t].middle - own[t].radius, high = own[t].middle + own[t].radius;
                low -= std::abs(low) * UNIT_ROUNDOFF, high += std::abs(high) * UNIT_ROUNDOFF;
                if (side >= 0 && !(low > 0)) low = 0;
                if (side <= 0 || high <= 0) high = 0;
                if (side == 0 || !(total > 0)) low = 0;  // z itself is the better lower bound, by and large; else 0
                own[t].middle = (low + high) / 2;
                own[t].radius = (high - low) / 2 * UP + std::abs(own[t].middle) * (4 * UNIT_ROUNDOFF);
            }
        });
        const double lost = 3 * products(units + 8);
        for (int t = 0; t < count; ++t) {
            terms_.clear();
            for (int u = 0; u < units; ++u) {
                Term term = open_[size_t(u) * size_t(count) + size_t(t)];
                if (term.middle == 0 && term.radius == 0) continue;
                term.radius += lost * (std::abs(term.middle) + term.radius) + SMALLEST;
                terms_.push_back(term);
            }
            if (!terms_.empty()) dispatch<Sum>(terms_, net.padded, b.middle_at(t), b.radius_at(t));
        }
    }

    /// The pre-activations of a stage as values of its forms; `signs`: those of its units at the generators are known better.
    void begin(Cell cell, int stage, const Forms<S>& forms, bool signs) {
        Bounds& b = stages_[size_t(stage)];
        b.resize(forms.padded(), cell.count);
        const int last = shape_.last();
        for (int t = 0; t < cell.count; ++t) {
            Word* g = cell[t];
            const double *x = shape_.x(g), e = shape_.error(g);
            double norm = 0;
            for (int c = 0; c <= last; ++c) norm += std::abs(x[c]);
            const Vec none = all(0.0), spread = all(norm + (last + 1) * e);
            for (int j = 0; j < forms.padded(); j += LANES) {
                Vec v = load(forms.row(last) + j) * all(x[last]), terms = absolute(v);
                for (int c = 0; c < last; ++c) {
                    const Vec product = load(forms.row(c) + j) * all(x[c]);
                    v += product, terms += absolute(product);
                }
                // as Forms::tight_bound, with two roundings more
                const Vec f = load(forms.row(last + 3) + j), size = load(forms.row(last + 1) + j);
                Vec doubt = (all(products(last + 3)) * terms + f * spread + size * all(e)) * all(UP) + all(UNDERFLOW_SLACK);
                if (problem_.whole && e == 0) doubt = chosen((f == none) & (terms < all(WHOLE)), none, doubt);
                if (!signs) {
                    store(b.middle_at(t) + j, v), store(b.radius_at(t) + j, doubt);
                    continue;
                }
                const Mask positive = lanes(shape_.positive(g), j), negative = lanes(shape_.negative(g), j);
                const Vec low = v - doubt, high = v + doubt;
                store_between(b, t, j, chosen(positive & ~(low > none), none, chosen(positive | negative, low, none)),
                              chosen(negative & (high > none), none, chosen(positive | negative, high, none)));
            }
        }
    }

    /// Store bounds as a middle and a radius.
    static void store_between(Bounds& b, int t, int j, const Vec& low, const Vec& high) {
        const Vec middle = (low + high) * all(0.5);
        store(b.middle_at(t) + j, middle);
        store(b.radius_at(t) + j, (high - low) * all(0.5 * UP) + absolute(middle) * all(4 * UNIT_ROUNDOFF));
    }

    /// From bounds of pre-activations to bounds of what their ReLU gives.
    void rectify(int stage, int count) {
        Bounds& b = stages_[size_t(stage)];
        const Vec none = all(0.0);
        for (int j = 0; j < b.padded; j += LANES) {
            Vec total = none;
            for (int t = 0; t < count; ++t) total += load(b.middle_at(t) + j);
            const Mask follow = total > none;  // z itself is the better lower bound, by and large; else 0
            for (int t = 0; t < count; ++t) {
                const Vec middle = load(b.middle_at(t) + j), radius = load(b.radius_at(t) + j);
                const Vec wide = radius + (absolute(middle) + radius) * all(4 * UNIT_ROUNDOFF);
                const Vec low = middle - wide, high = middle + wide;
                const Mask zero = (middle == none) & (radius == none);
                store_between(b, t, j, chosen(follow & ~zero, low, none), chosen((high <= none) | zero, none, high));
            }
        }
    }

    /// The pre-activations of a stage from what the stages before it give.
    void weigh(Cell cell, int first, int stage, const std::vector<Forms<S>>& forms, const std::vector<Set>& active) {
        const Stage& net = problem_.stages[size_t(stage)];
        Bounds& b = stages_[size_t(stage)];
        b.resize(net.padded, cell.count);
        for (int t = 0; t < cell.count; ++t) {
            Word* g = cell[t];
            const double *x = shape_.x(g), e = shape_.error(g), w = x[shape_.last()];
            terms_.clear();
            double norm = std::abs(w);
            if (w != 0) terms_.push_back({net.bias.data(), w, e});
            for (int c = 0; c < problem_.dim; ++c) {
                norm += std::abs(x[c]);
                if (x[c] != 0 || e != 0) terms_.push_back({&net.direct[size_t(c) * size_t(net.padded)], x[c], e});
            }
            for (const Weights& block : net.blocks) {
                if (block.source < first) {
                    // units that are done: affine on the cell
                    const Forms<S>& done = forms[size_t(block.source)];
                    active[size_t(block.source)].each([&](int i) {
                        const double doubt = done.error(i) < UNKNOWN ? done.tight_bound(i, x, e) : UNKNOWN;
                        terms_.push_back({block.row(i), done.value(i, x), doubt});
                    });
                    continue;
                }
                Bounds& from = stages_[size_t(block.source)];
                const double *middle = from.middle_at(t), *radius = from.radius_at(t);
                for (int i = 0; i < block.inputs; ++i)
                    if (!(middle[i] == 0 && radius[i] == 0)) terms_.push_back({block.row(i), middle[i], radius[i]});
            }
            const double lost = 3 * products(int(terms_.size()) + 8);
            for (Term& term : terms_) term.radius += lost * (std::abs(term.middle) + term.radius) + SMALLEST;
            const double off = (norm + (problem_.dim + 1) * e) * UP;
            for (int j = 0; j < net.padded; ++j) b.middle_at(t)[j] = 0, b.radius_at(t)[j] = terms_.empty() ? 0.0 : net.error[size_t(j)] * off;
            dispatch<Sum>(terms_, net.padded, b.middle_at(t), b.radius_at(t));
        }
    }

    /// Adds terms, for all units side by side; what is there counts as one of them.
    struct Sum {
        PUISEUX_INLINE static void run(const std::vector<Term>& terms, int padded, double* middle, double* radius) {
            for (int j = 0; j < padded; j += LANES) {
                Vec m = load(middle + j), r = load(radius + j) + absolute(m) * all(products(int(terms.size()) + 8));
                for (const Term& term : terms) {
                    const Vec w = load(term.weights + j);
                    m += w * all(term.middle), r += absolute(w) * all(term.radius);
                }
                store(middle + j, m), store(radius + j, r * all(UP));
            }
        }
    };
};

}  // namespace puiseux::cells
