// The problem: a network and a domain in reduced coordinates, as doubles with errors and as exact integers.
//
// Units are scaled by powers of two such that their largest weight lies in [1/2, 1), so that weights of 1e-300 or 1e300
// leave the range of doubles as rarely as possible.  Scaling a unit by a positive number changes no sign.  What does not
// fit is left to exact arithmetic: a unit with such weights is "unsettled", and each of its signs is decided exactly.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <vector>

#include "bounds.hpp"
#include "elimination.hpp"
#include "lanes.hpp"
#include "multiples.hpp"
#include "stages.hpp"
#include "units.hpp"

namespace puiseux::cells {

/// A stage in integers: all of it times one positive factor.
struct ExactStage {
    struct Block {
        int source;                     // an earlier stage, or -1 for the input
        std::vector<std::int64_t> begin;
        std::vector<std::int32_t> column;
        Integers value;
    };
    std::vector<Block> blocks;
    Integers bias;
};

/// A vertex or ray of a start cell: integer homogeneous coordinates, and the facet slots that it lies on.
struct StartGenerator {
    Integers vector;
    std::vector<int> slots;
};

/// What a facet slot stands for.
struct Facet {
    int kind, number;                   // a unit (stage, unit), or one of:
    static constexpr int WALL = -1;     // wall `number`; infinity for number -1
    static constexpr int AXIS = -2;     // the hyperplane where coordinate `number`, that of a line, is 0
};

class Problem {
public:
    int dim = 0, lines = 0, input_dim = 0;      // the lines are the last coordinates
    bool whole = false;                         // all weights are integers below 2^53
    std::vector<StageRows> given;
    std::vector<Stage> stages;
    std::vector<Integers> walls;                // a . x + b >= 0
    std::vector<Facet> slots;                   // of the start cells
    std::vector<StartGenerator> generators;
    std::vector<int> start_rows;                // units of the first stage that cut the start cells, if there are any

    int last_stage() const { return int(stages.size()) - 1; }
    int words() const {
        int most = 1;
        for (const Stage& s : stages) most = std::max(most, words_for(s.units));
        return most;
    }
    int total_units() const {
        int total = 0;
        for (const Stage& s : stages) total += s.units;
        return total;
    }

    /// Scale and round, once all fields but `stages` are set.
    PUISEUX_RARELY void finish() {
        std::vector<std::vector<int>> exponents;
        for (const StageRows& rows : given) {
            exponents.emplace_back(size_t(rows.units()), 0);
            if (!whole) scale(rows, exponents);
            stages.push_back(rounded(rows, exponents));
            stages.back().exponent = exponents.back();
            stages.back().multiples = MultiplesOf(rows, stages.back()).find();
        }
    }

    /// The stages as integers; made when first asked for, in any thread.
    const std::vector<ExactStage>& exact() const {
        std::call_once(once_, [this] { make_exact(); });
        return exact_;
    }

private:
    mutable std::once_flag once_;
    mutable std::vector<ExactStage> exact_;

    static int exponent_of(double x) {
        int e = 0;
        std::frexp(x, &e);
        return e;
    }

    /// Choose the exponents by which the units of the last stage are scaled.
    PUISEUX_RARELY static void scale(const StageRows& rows, std::vector<std::vector<int>>& exponents) {
        constexpr int NONE = -100000;
        std::vector<int> top(size_t(rows.units()), NONE);
        for (const SparseRows& block : rows.blocks)
            for (int j = 0; j < block.rows(); ++j)
                for (auto k = block.begin[j]; k < block.begin[j + 1]; ++k) {
                    const double v = block.value[size_t(k)];
                    if (v == 0 || !std::isfinite(v)) continue;
                    const int below = block.source ? exponents[size_t(block.source) - 1][size_t(block.column[size_t(k)])] : 0;
                    top[size_t(j)] = std::max(top[size_t(j)], exponent_of(v) - below);
                }
        for (int j = 0; j < rows.units(); ++j) {
            if (top[size_t(j)] == NONE && rows.bias[size_t(j)] != 0 && std::isfinite(rows.bias[size_t(j)]))
                top[size_t(j)] = exponent_of(rows.bias[size_t(j)]);
            exponents.back()[size_t(j)] = top[size_t(j)] == NONE ? 0 : -top[size_t(j)];
        }
    }

    PUISEUX_RARELY Stage rounded(const StageRows& rows, const std::vector<std::vector<int>>& exponents) const {
        Stage s;
        s.units = rows.units(), s.padded = padded_to_lanes(s.units);
        s.direct.assign(size_t(dim) * size_t(s.padded), 0), s.bias.assign(size_t(s.padded), 0), s.error.assign(size_t(s.padded), 0);
        s.rounded = !rows.exact_bias.empty();
        const size_t own = exponents.size() - 1;
        auto scaled = [&](double v, int j, int e) {
            const double z = std::abs(e) < 1000 ? v * std::bit_cast<double>(std::uint64_t(1023 + e) << 52) : std::ldexp(v, e);
            const bool fits = z == 0 ? v == 0 : std::abs(z) >= SMALLEST && std::abs(z) <= 1 / SMALLEST;
            if (!fits) s.error[size_t(j)] = UNKNOWN;
            return fits ? z : 0.0;
        };
        auto note = [&](double z, int j) {
            if (s.rounded) s.error[size_t(j)] = std::max(s.error[size_t(j)], UNIT_ROUNDOFF * std::abs(z));
        };
        for (int j = 0; j < s.units; ++j) note(s.bias[size_t(j)] = scaled(rows.bias[size_t(j)], j, exponents[own][size_t(j)]), j);
        s.chain = own > 0 && rows.blocks.size() == 1 && rows.blocks[0].source == int(own);
        for (const SparseRows& block : rows.blocks) {
            Weights* to = nullptr;
            if (block.source) {
                const int inputs = int(exponents[size_t(block.source) - 1].size());
                to = &s.blocks.emplace_back(Weights{block.source - 1, inputs, s.padded, {}});
                to->data.assign(size_t(inputs) * size_t(s.padded), 0);
            }
            for (int j = 0; j < block.rows(); ++j)
                for (auto k = block.begin[size_t(j)]; k < block.begin[size_t(j) + 1]; ++k) {
                    const int i = block.column[size_t(k)];
                    const double v = block.value[size_t(k)];
                    const int e = exponents[own][size_t(j)];
                    if (to) {
                        to->data[size_t(i) * size_t(s.padded) + size_t(j)] = scaled(v, j, e - exponents[size_t(block.source) - 1][size_t(i)]);
                    } else {
                        note(s.direct[size_t(i) * size_t(s.padded) + size_t(j)] = scaled(v, j, e), j);
                    }
                }
        }
        return s;
    }

    PUISEUX_RARELY void make_exact() const {
        std::vector<std::int64_t> shift{0};  // by source: what its forms are multiplied by, as a power of two
        for (const StageRows& rows : given) {
            ExactStage& s = exact_.emplace_back();
            const bool known = !rows.exact_bias.empty();
            std::int64_t deepest = 0, below = 0;
            if (!known) {
                for (const SparseRows& block : rows.blocks) {
                    below = std::max(below, shift[size_t(block.source)]);
                    for (const double v : block.value) deepest = std::max(deepest, Integer::fraction_bits(v));
                }
                for (const double v : rows.bias) deepest = std::max(deepest, Integer::fraction_bits(v) - below);
            }
            shift.push_back(deepest + below);
            for (const SparseRows& block : rows.blocks) {
                ExactStage::Block& to = s.blocks.emplace_back(ExactStage::Block{block.source - 1, block.begin, block.column, block.exact});
                if (known) continue;
                to.value.reserve(block.value.size());
                for (const double v : block.value) to.value.push_back(Integer::of_double(v, shift.back() - shift[size_t(block.source)]));
            }
            s.bias = rows.exact_bias;
            if (!known)
                for (const double v : rows.bias) s.bias.push_back(Integer::of_double(v, shift.back()));
        }
    }
};

}  // namespace puiseux::cells
