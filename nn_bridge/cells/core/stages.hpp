// A stage of units: as it comes in, and in scaled doubles.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "elimination.hpp"

namespace puiseux::cells {

/// Sparse rows: row j has the entries begin[j] .. begin[j + 1] - 1.
struct SparseRows {
    int source = 0;                     // what the columns are: 0 the input, s + 1 the units of stage s
    std::vector<std::int64_t> begin;
    std::vector<std::int32_t> column;
    std::vector<double> value;          // the nearest doubles
    Integers exact;                     // the same times the stage's factor, where doubles are not exact

    int rows() const { return int(begin.size()) - 1; }
};

/// A stage of ReLU units as it comes in.
struct StageRows {
    std::vector<double> bias;
    Integers exact_bias;
    std::vector<SparseRows> blocks;
    int units() const { return int(bias.size()); }
    /// Whether all numbers of a unit are zero, so that it vanishes everywhere.
    bool is_zero(int unit) const {
        bool zero = bias[size_t(unit)] == 0 && (exact_bias.empty() || exact_bias[size_t(unit)].is_zero());
        for (const SparseRows& block : blocks) zero = zero && block.begin[size_t(unit)] == block.begin[size_t(unit) + 1];
        return zero;
    }
};

/// Weights of a stage on the units of an earlier one, input-major: row i holds the weights on input i.
struct Weights {
    int source, inputs, padded;         // source: the number of the earlier stage
    std::vector<double> data;
    const double* row(int i) const { return &data[size_t(i) * padded]; }
    double at(int unit, int i) const { return data[size_t(i) * padded + unit]; }
};

/// A unit that is a multiple of another one of its stage; `opposite`: by a negative factor.
struct Multiple {
    int unit, of;
    bool opposite;
};

/// A stage in scaled doubles.
struct Stage {
    int units = 0, padded = 0;
    bool rounded = false;               // weights differ from the true ones by up to half a unit in the last place
    bool chain = false;                 // it reads nothing but the stage before
    std::vector<double> direct;         // weights on the input, coordinate-major
    std::vector<double> bias, error;    // the error of these coefficients, infinity for an unsettled unit
    std::vector<int> exponent;          // by unit: all is scaled by two to this power
    std::vector<Weights> blocks;
    std::vector<Multiple> multiples;    // none of them of another multiple
};

}  // namespace puiseux::cells
