// All cells of maps that are in several pieces to the last: joined by all their facets, and by all their points.
//
// A face is named by a cell's sign vector with zeros on what vanishes there.  Cells of one map with a facet in common are one
// piece; with facets and points, those with a point in common, too.  A facet has two cells, so it is forgotten once it has come
// twice; a point is kept once for each map.
// Source: the gluing step of Lezeau et al. 2024, Algorithm 4, with facets and with points.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "forest.hpp"
#include "joining.hpp"
#include "records.hpp"

namespace puiseux::cells::joining {

/// Keys of so many words, each with a cell that bears it, in a table of its own that grows.
class Bearers {
public:
    explicit Bearers(int words) : words_(words), keys_(FEWEST * std::size_t(words)), bearer_(FEWEST, -1) {}

    /// The cell that bears a key, or -1, and then it is this one.
    std::int64_t meet(const Word* key, std::int64_t cell) {
        if (table().is_full(taken_)) grow();
        slot_ = table().find(key);
        const std::int64_t other = bearer_[std::size_t(slot_)];
        if (other < 0) table().put(slot_, key, cell), ++taken_;
        return other;
    }
    /// Forget the key that was met just now.
    void forget() { table().remove(slot_), --taken_; }

private:
    static constexpr std::size_t FEWEST = 1 << 6;
    int words_;
    std::vector<Word> keys_;
    std::vector<std::int64_t> bearer_;
    std::int64_t taken_ = 0, slot_ = 0;

    Table<std::int64_t> table() { return {keys_.data(), bearer_.data(), std::int64_t(bearer_.size()), words_}; }
    void grow() {
        std::vector<Word> keys(2 * keys_.size());
        std::vector<std::int64_t> bearer(2 * bearer_.size(), -1);
        Table<std::int64_t> larger(keys.data(), bearer.data(), std::int64_t(bearer.size()), words_);
        table().move_to(larger);
        keys_.swap(keys), bearer_.swap(bearer);
    }
};

class WholeMaps {
public:
    /// Sign vectors are packed into so many words, as `pack` describes.
    WholeMaps(std::vector<std::int64_t> columns, std::vector<std::int64_t> places, int width)
        : columns_(std::move(columns)), places_(std::move(places)), width_(width), key_(std::size_t(width) + 1), facets_(width), points_(width + 1) {
        if (width < 1 || places_.size() < 2 * columns_.size()) throw std::invalid_argument("arrays that do not fit");
        for (const std::int64_t place : places_)
            if (place < 0 || place >= 64 * std::int64_t(width)) throw std::invalid_argument("arrays that do not fit");
    }

    /// The words of a set of zeros.
    std::size_t zero_words() const { return places_.size() - columns_.size(); }
    /// The columns that a pattern has at least.
    std::int64_t least_columns() const { return columns_.empty() ? 0 : *std::max_element(columns_.begin(), columns_.end()) + 1; }
    std::int64_t cells() const { return cells_; }

    /// Take cells with their numbers, in ascending order, the numbers of their maps, their patterns, facets and points.
    void add(const std::int64_t* numbers, const std::int64_t* maps, const Word* patterns, std::size_t columns, std::int64_t count, FaceSets facets, FaceSets points) {
        by_facet_.reach(cells_ + count), by_point_.reach(cells_ + count);
        maps_.insert(maps_.end(), maps, maps + count);
        each(numbers, patterns, columns, count, facets, [&](std::int64_t cell) {
            const std::int64_t other = facets_.meet(key_.data(), cell);
            if (other < 0) return;
            facets_.forget();
            if (map(other) == map(cell)) by_facet_.unite(cell, other), by_point_.unite(cell, other);
        });
        each(numbers, patterns, columns, count, points, [&](std::int64_t cell) {
            key_.back() = Word(map(cell));
            if (const std::int64_t other = points_.meet(key_.data(), cell); other >= 0) by_point_.unite(cell, other);
        });
        cells_ += count;
    }

    /// The pieces of all maps: by facets, and by facets and points.
    std::pair<std::int64_t, std::int64_t> pieces() const { return {by_facet_.sets(), by_point_.sets()}; }

private:
    std::vector<std::int64_t> columns_, places_;
    int width_;
    std::vector<Word> key_;             // of a face; for points with the number of the map
    Bearers facets_, points_;
    Forest by_facet_, by_point_;
    std::vector<std::int64_t> maps_;
    std::int64_t cells_ = 0;

    std::int64_t map(std::int64_t cell) const { return maps_[std::size_t(cell)]; }

    /// Call `use` with the cell of each face, whose key is then known.
    template <class Use>
    void each(const std::int64_t* numbers, const Word* patterns, std::size_t columns, std::int64_t count, FaceSets faces, Use&& use) {
        each_face(numbers, count, faces, zero_words(), [&](std::int64_t row, const Word* zeros) {
            std::fill(key_.begin(), key_.end(), 0);
            pack(patterns, int(columns), &row, 1, zeros, int(zero_words()), columns_.data(), int(columns_.size()), places_.data(), int(places_.size()),
                 key_.data(), width_);
            use(cells_ + row);
        });
    }
};

}  // namespace puiseux::cells::joining
