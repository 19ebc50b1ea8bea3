// Signs of units at generators: by the lemma of bounds.hpp, by tighter bounds at better coordinates, and at last exactly.
// Source: floating-point filters before exact arithmetic (Fortune and Van Wyk 1993, Efficient exact arithmetic for
// computational geometry).
#pragma once
#include <cstdint>
#include <vector>

#include "forms.hpp"
#include "polygon.hpp"

namespace puiseux::cells {

/// Where the walk is: the pattern of the stages that are done, the forms under it, and what the facet slots stand for.
template <class S>
class Signing : public Polygons {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY Signing(const Problem& problem, const S& shape, Counters& counters, Watch& watch)
        : Polygons(problem, shape.any(), counters, watch), shape_(shape), active_(problem.stages.size(), shape.none()) {
        for (int s = 0; s < int(problem.stages.size()); ++s) {
            forms_.emplace_back(problem, shape_, s);
            multiples_.push_back(shape_.none());
            for (const Multiple& m : problem.stages[size_t(s)].multiples) multiples_.back().add(m.unit);
        }
    }

protected:
    const S shape_;
    std::vector<Forms<S>> forms_;       // of each stage, on the way to the present cell
    std::vector<Set> active_;           // patterns of the stages that are done
    std::vector<Set> multiples_;        // units of each stage that are multiples of others
    std::uint64_t clock_ = 1;

    int stages() const { return int(problem_.stages.size()); }
    bool is_last(int stage) const { return stage + 1 == stages(); }

    /// Note the pattern of a stage that is done.
    void set_active(int stage, const Set& positive) {
        if (active_[size_t(stage)] == positive) return;
        active_[size_t(stage)] = positive;
        ++clock_;
        for (int s = stage + 1; s < stages(); ++s) epoch_[size_t(s)] = clock_;
    }

    /// Find the signs of `wanted` units of a stage at a generator.
    void evaluate(Word* g, int stage, const Set& wanted) { evaluate_here(g, stage, wanted); }
    PUISEUX_INLINE void evaluate_here(Word* g, int stage, const Set& wanted) {
        const Forms<S>& forms = forms_[size_t(stage)];
        const Set open = wanted & forms.live();
        if (!open.any()) return;
        if ((open & multiples_[size_t(stage)]).any()) [[unlikely]] return evaluate_multiples(g, stage, open);
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

    /// The units whose zero sets are that of a unit.
    Set same_zeros(int stage, int unit) const {
        Set found = shape_.none();
        int first = unit;
        for (const Multiple& m : problem_.stages[size_t(stage)].multiples)
            if (m.unit == unit) first = m.of;
        for (const Multiple& m : problem_.stages[size_t(stage)].multiples)
            if (m.of == first) found.add(m.unit), found.add(first);
        found.drop(unit);
        return found;
    }
    /// Some units of a stage without multiples of others among them.
    Set without_multiples(Set units, int stage) const {
        const Set all = units;
        if ((units & multiples_[size_t(stage)]).any()) [[unlikely]]
            for (const Multiple& m : problem_.stages[size_t(stage)].multiples)
                if (all.has(m.of)) units.drop(m.unit);
        return units;
    }
    /// Copy the signs of units that are multiples of others, which are known.
    void copy_signs(Word* g, int stage, const Set& wanted) const {
        for (const Multiple& m : problem_.stages[size_t(stage)].multiples)
            if (wanted.has(m.unit)) this->store_sign(g, m.unit, m.opposite ? -shape_.side(g, m.of) : shape_.side(g, m.of));
    }

    /// Signs that the lemma leaves open.
    void decide(Word* g, int stage, const Set& unsure) { Solving::decide(g, stage, unsure.data()); }
    /// Signs from the values of the stage before; returns the units that are still unsure.
    Set through_hidden(Word* before, Word* g, int stage, Set unsure) {
        decide_through_hidden(before, g, stage, unsure.data());
        return unsure;
    }

private:
    /// The same where multiples of others are among them.
    [[gnu::noinline]] void evaluate_multiples(Word* g, int stage, const Set& wanted) {
        Set own = wanted - multiples_[size_t(stage)];
        for (const Multiple& m : problem_.stages[size_t(stage)].multiples)
            if (wanted.has(m.unit)) own.add(m.of);
        evaluate(g, stage, own);
        copy_signs(g, stage, wanted);
    }

    const Word* pattern(int stage) const override { return active_[size_t(stage)].data(); }
    FormTable table(int stage) const override { return forms_[size_t(stage)].table(); }
};

}  // namespace puiseux::cells
