// How much the outputs move with a unit, on a leaf: their derivative by what the unit hands on, modulo a prime.
//
// The maps of two leaves that differ in one unit differ by the unit's form times this derivative, so they are equal iff it
// is zero.  It is found from the last stage back: a unit's derivative is its weight in the outputs, plus those on active
// units of later stages times their derivatives.  What is not zero modulo the prime is not zero.
// Being sums over the units of the last stage, they are found for all cells of a block at once: for one, and how each unit adds.
// Source: reverse accumulation of derivatives (Linnainmaa 1970; Griewank and Walther 2008, section 3.2).
#pragma once
#include <algorithm>
#include <array>
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

    /// Find how the derivatives change with units of the last stage, of which any are switched on beside those that `find` was told.
    ///
    /// Derivatives are sums over the units of the last stage, so each of these units adds a number of its own.
    void find_steps(const std::vector<Set>& active, const int* units, int count) {
        steps_of_ = units;
        const int last = int(network_.stages.size()) - 1;
        if (last < 2) return;  // the weights
        while (int(steps_.size()) < count) {
            auto& fresh = steps_.emplace_back();
            for (int s = 0; s < last; ++s) fresh.emplace_back(size_t(network_.stages[size_t(s)].units), 0);
        }
        for (int n = 0; n < count; ++n) {
            auto& steps = steps_[size_t(n)];
            for (auto& own : steps) std::fill(own.begin(), own.end(), 0);
            const auto& top = network_.stages[size_t(last)];
            if (!top.read) continue;
            for (const auto& block : top.blocks) add_row(block, units[n], 1, steps[size_t(block.source)]);
            for (int t = last - 1; t > 0; --t)
                for (const auto& block : network_.stages[size_t(t)].blocks) add_through(block, active[size_t(t)], steps[size_t(t)], steps[size_t(block.source)]);
        }
    }

    /// The sets of those units, as bits of a word, with which the derivative by a unit is zero.
    Word zero_with(int stage, int unit, int count) const {
        std::array<std::uint64_t, size_t{1} << FEW> sums;  // below 2^35
        sums[0] = value(stage, unit);
        for (int n = 0; n < count; ++n) {
            const std::uint64_t step = this->step(n, stage, unit);
            for (size_t m = 0; m < size_t{1} << n; ++m) sums[m + (size_t{1} << n)] = sums[m] + step;
        }
        Word found = 0;
        for (size_t m = 0; m < size_t{1} << count; ++m) {
            const std::uint64_t rest = folded(sums[m]);  // below 2^31 + 2^4
            found |= Word{rest == 0 || rest == MERSENNE} << m;
        }
        return found;
    }

private:
    std::uint64_t value(int stage, int unit) const {
        if (stage > 0 || network_.stages.size() != 2) return values_[size_t(stage)][size_t(unit)];
        const auto& own = network_.stages[0];
        return folded(through_last_[0][size_t(unit)] + (own.read ? own.out[size_t(unit)] : 0));
    }

    /// By how much the derivative by a unit grows with unit n of those that `find_steps` was told.
    std::uint64_t step(int n, int stage, int unit) const {
        const auto& top = network_.stages.back();
        if (stage + 1 == int(network_.stages.size()) || !top.read) return 0;
        if (stage > 0 || network_.stages.size() != 2) return reduced(steps_[size_t(n)][size_t(stage)][size_t(unit)]);
        std::uint64_t sum = 0;
        for (const auto& block : top.blocks) sum += block.by_unit[size_t(steps_of_[n]) * size_t(block.inputs) + size_t(unit)];
        return sum;
    }

    const ResidueNetwork& network_;
    std::vector<std::vector<std::uint64_t>> values_;        // by stage, below 2^34
    std::vector<std::vector<std::uint64_t>> through_last_;  // .. what comes through the last stage, whose weights are those for the outputs
    bool found_ = false;
    std::vector<Set> on_;                                   // .. when it was found, by block
    const int* steps_of_ = nullptr;                         // the units that `find_steps` was told
    std::vector<std::vector<std::vector<std::uint64_t>>> steps_;  // by unit of these and stage, below 2^34

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
