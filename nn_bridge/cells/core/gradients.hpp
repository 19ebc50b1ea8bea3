// How much the outputs move with a unit, on a leaf: their derivative by what the unit hands on, modulo a prime.
//
// The maps of two leaves that differ in one unit differ by the unit's form times this derivative, so they are equal iff it
// is zero.  It is found from the last stage back: a unit's derivative is its weight in the outputs, plus those on active
// units of later stages times their derivatives.  What is not zero modulo the prime is not zero.
// From leaf to leaf, what comes through the last stage changes by the weights of few units.
// Source: reverse accumulation of derivatives (Linnainmaa 1970; Griewank and Walther 2008, section 3.2).
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "leaves.hpp"
#include "units.hpp"

namespace puiseux::cells {

template <class Set>
class Gradients {
public:
    Gradients(const ResidueNetwork& network, int words) : network_(network) {
        for (const auto& s : network.stages) {
            values_.emplace_back(size_t(s.units), 0);
            through_last_.emplace_back(size_t(s.units), 0);
        }
        for (size_t b = 0; b < network.stages.back().blocks.size(); ++b) on_.emplace_back(words);
    }

    /// Find the derivatives on a leaf: `active` are the patterns of the stages before the last.
    void find(const std::vector<Set>& active, const Set& last_active) {
        const int last = int(network_.stages.size()) - 1;
        const auto& top = network_.stages[size_t(last)];
        for (size_t b = 0; b < top.blocks.size() && top.read; ++b) work_in(top.blocks[b], on_[b], last_active);
        for (int s = last; s >= 0; --s) {
            const auto& stage = network_.stages[size_t(s)];
            if (s == last && found_) continue;  // the weights in the outputs
            if (last == 1 && s == 0) continue;  // summed where they are asked for
            std::vector<std::uint64_t>& own = values_[size_t(s)];
            for (int j = 0; j < stage.units; ++j) own[size_t(j)] = folded(through_last_[size_t(s)][size_t(j)] + (stage.read ? stage.out[size_t(j)] : 0));
            for (int t = s + 1; t < last; ++t)
                for (const auto& block : network_.stages[size_t(t)].blocks)
                    if (block.source == s) add_through(block, active[size_t(t)], values_[size_t(t)], own);
        }
        found_ = true;
    }

    bool is_zero(int stage, int unit) const { return reduced(value(stage, unit)) == 0; }

private:
    std::uint64_t value(int stage, int unit) const {
        if (stage > 0 || network_.stages.size() != 2) return values_[size_t(stage)][size_t(unit)];
        const auto& own = network_.stages[0];
        return folded(through_last_[0][size_t(unit)] + (own.read ? own.out[size_t(unit)] : 0));
    }

    const ResidueNetwork& network_;
    std::vector<std::vector<std::uint64_t>> values_;        // by stage, below 2^34
    std::vector<std::vector<std::uint64_t>> through_last_;  // .. what comes through the last stage, whose weights are those for the outputs
    bool found_ = false;
    std::vector<Set> on_;                                   // .. when it was found, by block

    void work_in(const ResidueNetwork::Block& block, Set& on, const Set& now) {
        std::vector<std::uint64_t>& sum = through_last_[size_t(block.source)];
        (on ^ now).each([&](int k) { dispatch<Row>(&block.by_unit[size_t(k) * size_t(block.inputs)], block.inputs, now.has(k), sum.data()); });
        on = now;
    }

    /// Adds the weights of a unit, or takes them away.
    struct Row {
        PUISEUX_INLINE static void run(const std::uint32_t* row, int inputs, bool add, std::uint64_t* sum) {
            if (add)
                for (int i = 0; i < inputs; ++i) sum[i] = folded(sum[i] + row[i]);
            else
                for (int i = 0; i < inputs; ++i) sum[i] = folded(sum[i] + (MERSENNE - row[i]));
        }
    };

    static void add_through(const ResidueNetwork::Block& block, const Set& on, const std::vector<std::uint64_t>& from, std::vector<std::uint64_t>& to) {
        on.each([&](int k) {
            const std::uint64_t factor = reduced(from[size_t(k)]);
            if (factor != 0) add_row(block, k, factor, to);
        });
    }

    /// Add a unit's weights, times a factor.
    static void add_row(const ResidueNetwork::Block& block, int unit, std::uint64_t factor, std::vector<std::uint64_t>& to) {
        const std::uint32_t* row = &block.by_unit[size_t(unit) * size_t(block.inputs)];
        const auto span = block.spans[size_t(unit)];
        for (int i = span.begin; i < span.end; ++i) to[size_t(i)] = folded(to[size_t(i)] + factor * row[i]);
    }
};

}  // namespace puiseux::cells
