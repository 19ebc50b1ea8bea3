// Generators solved for again, in doubles and in integers; and the signs that the lemma of bounds.hpp leaves open.
//
// First tighter bounds, then better coordinates, and at last exact arithmetic.  All of it happens rarely, and is compiled once,
// for all shapes (solving.cpp).
// Source: floating-point filters before exact arithmetic (Fortune and Van Wyk 1993, Efficient exact arithmetic for
// computational geometry).
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "exact.hpp"
#include "watch.hpp"

namespace puiseux::cells {

class Solving : public Stages {
public:
    Solving(const Problem& problem, const AnyShape& shape, Counters& counters, Watch& watch);
    Solving(const Solving&) = delete;
    Solving& operator=(const Solving&) = delete;

protected:
    const Problem& problem_;
    Counters& counters_;
    Watch& watch_;
    const AnyShape any_;                // the shape, for code that is compiled once
    std::vector<std::uint64_t> epoch_;  // by stage: another number for another pattern of the stages before
    std::vector<Facet> owner_;          // what the facet slots of the present cell stand for

    ~Solving();
    int dim() const { return problem_.dim; }

    const Integers& exact_row(int stage, int unit);
    Integers exact_row(Facet f);
    /// A generator's exact coordinates, as integers.
    Integers exact_point(Word* g, int stage);
    /// Solve again for a generator from its facets.
    void refine(Word* g);

    void store_sign(Word* g, int j, int sign) const {
        if (sign > 0) any_.positive(g)[j >> 6] |= bit(j);
        if (sign < 0) any_.negative(g)[j >> 6] |= bit(j);
    }
    /// Find the signs of units that the lemma leaves open.
    void decide(Word* g, int stage, const Word* unsure);

    /// Signs from the values of the stage before, whose zeros are certain: behind a bottleneck, and at infinity, forms
    /// vanish where their rounded coefficients do not.  `before` is the generator with the signs of that stage.  The units
    /// that are told leave the set `unsure`.
    void decide_through_hidden(Word* before, Word* g, int stage, Word* unsure);

    std::vector<Facet> facets_of(Word* g) const;
    /// What the slots of some facets stand for.
    std::vector<Facet> owners(const Word* facets) const;

private:
    std::optional<ExactForms> exact_;
    std::vector<std::vector<double>> walls_;
    std::vector<int> on_;               // some units of a stage

    bool stores_sign(Word* g, int j, double value, double bound) const;
    int orientation(Word* g, int stage, const Integers& v);
};

}  // namespace puiseux::cells
