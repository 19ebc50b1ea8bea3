// Ratios of integers, in order.
#pragma once
#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "integers.hpp"

namespace puiseux::cells {

/// A ratio first / second; neither is negative, or the first is positive (or zero over a positive number).
using Ratio = std::pair<Integer, Integer>;

/// The rank of each ratio, from 0 on; equal ones have equal ranks.
inline std::vector<int> ranks_of(const std::vector<Ratio>& ratios) {
    // numbers are sorted, not the integers themselves: they are long, and g++ for arm64 warns of their moves
    auto before = [&](int i, int j) {
        const Ratio &p = ratios[size_t(i)], &q = ratios[size_t(j)];
        return p.first * q.second < q.first * p.second;
    };
    std::vector<int> order(ratios.size()), ranks(ratios.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), before);
    int rank = 0;
    for (size_t i = 0; i < order.size(); ++i) {
        if (i > 0 && before(order[i - 1], order[i])) ++rank;
        ranks[size_t(order[i])] = rank;
    }
    return ranks;
}

/// The number of different ratios.
inline int different_ratios(const std::vector<Ratio>& ratios) {
    const std::vector<int> ranks = ranks_of(ratios);
    return ranks.empty() ? 0 : 1 + *std::max_element(ranks.begin(), ranks.end());
}

}  // namespace puiseux::cells
