// Ranges of the units' values on a whole cell, from those at its generators, through the stages that have not cut it yet.
//
// Bounds.  Each point of a cell is a combination of its generators with weights that are not negative; fix one for each point.
// For a unit with pre-activation z keep numbers low(v), high(v) at the generators v such that, at each point of the cell, z
// lies between the combination of the low(v) and that of the high(v).  For the stage at hand both are z(v) itself, up to
// rounding.  Since ReLU is convex and positively homogeneous, relu(z) is at most the combination of max(0, high(v)); and it is
// at least that of the low(v), and at least 0, whichever is taken for the unit.  Sums with weights give the bounds of the next
// stage.
//
// Rounding.  Bounds are a middle and a radius.  A sum of k products is off by at most products(k) times the sum of the sizes of
// its terms (bounds.hpp), so the radius of each term grows by that share of its size before they are summed; rounded weights
// count as one more rounding, and the error of a generator's coordinates as in the lemma there.  Overflow makes infinities and
// then numbers that are not numbers: all comparisons are written so that these prove nothing.
//
// Nothing here depends on the shape of rows: it is compiled once (ranges.cpp).
#pragma once
#include <span>
#include <vector>

#include "forms.hpp"

namespace puiseux::cells {

/// Bounds of the units of a stage, before or after their ReLU, generator by generator.
struct RangesOfStage {
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

class Ranges {
public:
    Ranges(const Problem& problem, const AnyShape& shape);

    /// The pre-activations of a stage as values of its forms, of some units or all; `signs`: those of its units at the
    /// generators are known better.
    void begin(Cell cell, int stage, const FormTable& forms, bool signs, const Word* some);

    /// From bounds of pre-activations, of some units or all, to bounds of what their ReLU gives.
    void rectify(int stage, int count, const Word* some);

    /// Add to the pre-activations of the next stage what the open units of a stage give, which lie between two bounds each.
    void add_open(int stage, int count, const Word* open);

    /// The pre-activations of a stage from what the stages before it give; below `first` as the forms and patterns of these say.
    void weigh(Cell cell, int first, int stage, const std::vector<FormTable>& forms, const std::vector<const Word*>& active);

    RangesOfStage& of(int stage) { return stages_[size_t(stage)]; }

private:
    /// A term of a sum: the weights of all units on something that lies within a radius of a number.
    struct Term {
        const double* weights;
        double middle, radius;
    };
    // loops over units side by side
    template <int N>
    struct Values;
    struct Rectify;
    struct Sum;
    struct Widen;
    struct Along;
    struct Across;
    static constexpr int FEW_UNITS = 8;        // so few units of the last stage are summed up one by one

    const Problem& problem_;
    AnyShape shape_;
    int last_;
    std::vector<RangesOfStage> stages_;
    std::vector<Term> terms_;
    std::vector<std::vector<double>> across_;  // by block of the last stage: the weights unit by unit

    static void add(std::span<Term> terms, double lost, int padded, double* middle, double* radius);
};

}  // namespace puiseux::cells
