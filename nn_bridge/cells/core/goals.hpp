// Leaves to which a run goes alone: they are named by their patterns, and no subtree without one of them is visited.
//
// A split by a unit tells the patterns with the unit on from those with it off; so some of them, side by side, belong to a
// subtree, and partitioning these in place tells which belong to either side.
// Source: partition in place as in quicksort (Hoare 1961).
#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "units.hpp"

namespace puiseux::cells {

class Goals {
public:
    void set(const Word* patterns, size_t count, int words, int stages) {
        words_ = words, columns_ = size_t(words) * size_t(stages);
        patterns_.assign(patterns, patterns + count * columns_);
        order_.resize(count);
        for (size_t k = 0; k < count; ++k) order_[k] = k;
        on_ = true;
        all();
    }
    bool on() const { return on_; }

    /// Those that belong to what a run is about to visit.
    struct Range {
        size_t begin = 0, end = 0;
        bool empty() const { return begin == end; }
    };
    Range now() const { return now_; }
    /// Whether few are left, so that it pays to look at each.
    bool are_few() const { return on_ && now_.end - now_.begin <= FEW; }
    /// On which side of a unit all the present ones lie: 1 for where it is on, -1 for off, 0 for both.
    int common_side(int stage, int unit) const {
        const size_t column = size_t(stage) * size_t(words_) + size_t(unit >> 6);
        size_t on = 0;
        for (size_t k = now_.begin; k < now_.end; ++k) on += patterns_[order_[k] * columns_ + column] >> (unit & 63) & 1;
        return on == now_.end - now_.begin ? 1 : on ? 0 : -1;
    }
    void go(Range r) { now_ = r; }
    void all() { now_ = {0, order_.size()}; }

    /// Those with a unit on, or off, among the present ones, which are put in this order: off, on.
    Range side(int stage, int unit, bool positive) {
        const auto first = order_.begin() + std::ptrdiff_t(now_.begin), last = order_.begin() + std::ptrdiff_t(now_.end);
        const size_t column = size_t(stage) * size_t(words_) + size_t(unit >> 6);
        const auto middle = std::partition(first, last, [&](size_t k) { return !(patterns_[k * columns_ + column] >> (unit & 63) & 1); });
        const auto at = size_t(middle - order_.begin());
        return positive ? Range{at, now_.end} : Range{now_.begin, at};
    }

private:
    static constexpr size_t FEW = 32;
    std::vector<Word> patterns_;
    std::vector<size_t> order_;
    size_t columns_ = 0;
    int words_ = 1;
    bool on_ = false;
    Range now_;
};

}  // namespace puiseux::cells
