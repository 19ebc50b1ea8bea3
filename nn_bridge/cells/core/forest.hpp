// Sets that grow together.  Source: a forest with path halving (Tarjan and van Leeuwen 1984).
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace puiseux::cells::joining {

/// Numbers from 0 on in sets.
class Forest {
public:
    void reach(std::int64_t count) {
        const auto known = std::int64_t(parent_.size());
        if (count > known) parent_.resize(std::size_t(count)), std::iota(parent_.begin() + known, parent_.end(), known);
    }
    /// Make one set of two; false where it was one.
    bool unite(std::int64_t one, std::int64_t other) {
        const std::int64_t a = root(one), b = root(other);
        parent_[std::size_t(std::max(a, b))] = std::min(a, b);
        return a != b;
    }
    std::int64_t sets() const {
        std::int64_t found = 0;
        for (std::size_t k = 0; k < parent_.size(); ++k) found += parent_[k] == std::int64_t(k);
        return found;
    }

private:
    std::vector<std::int64_t> parent_;

    std::int64_t root(std::int64_t node) {
        while (parent_[std::size_t(node)] != node) node = parent_[std::size_t(node)] = parent_[std::size_t(parent_[std::size_t(node)])];
        return node;
    }
};

}  // namespace puiseux::cells::joining
