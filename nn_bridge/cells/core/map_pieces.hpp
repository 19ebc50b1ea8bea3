// Maps in several pieces: which of these meet in facets, and which in points, told from the cells outside the largest piece alone.
//
// Lemma.  Let Z be the units that vanish at a point v of a cell A (closed).  A cell B that differs from A in units of Z alone has v
// as a point, too.  So A and B meet iff that holds at a vertex of A.
// Proof.  Stage by stage, the forms that units have on B take the same values at v as those on A: a unit of an earlier stage in
// which the two differ vanishes at v, whether it is on or off.  So at v no unit that is on in B is negative, and none that is off is
// positive, which describes B (a closed cell is described like that, since it has inner points; a unit that vanishes on all of it tells
// nothing).  If A and B meet, units in which they differ vanish where they do, so by the above they meet in the points of A where all
// these vanish: a face of A, and it has a vertex (where cells have lines: one of the section that is taken).
//
// For facets lemma (c) of `components.hpp` is the same.  So of two pieces that meet one tells it, by its vertices and facets, and the
// largest piece of a map need not come again.  Each face is held against all cells of its map until the map is in one piece: this is
// for maps of few cells.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "components.hpp"
#include "forest.hpp"

namespace puiseux::cells::joining {

class MapPieces {
    using Number = Components::Number;

public:
    /// Begin with the components that there are; no cells come to these any more.
    explicit MapPieces(Components& cells) : cells_(cells), own_(cells.in_pieces()), units_(cells.columns()), packed_(cells.packed_words()) {
        if (own_.empty()) return;
        std::vector<Number> in_component(std::size_t(cells.cells()), 0), of_map(std::size_t(cells.maps()), 0), largest(of_map);
        for (const std::int64_t cell : own_) {
            component_.push_back(Number(cells.component(cell)));
            const Number size = ++in_component[component_.back()];
            const auto map = std::size_t(cells.map(cell));
            most_ = std::max(most_, ++of_map[map]), largest[map] = std::max(largest[map], size);
        }
        for (std::size_t k = 0; k < own_.size(); ++k) {  // of several as large the first one
            const auto map = std::size_t(cells.map(own_[k]));
            if (in_component[component_[k]] == largest[map]) largest[map] = Components::NONE, largest_.push_back(component_[k]);
        }
        std::sort(largest_.begin(), largest_.end());
        for (std::size_t k = 0; k < own_.size(); ++k)
            if (!std::binary_search(largest_.begin(), largest_.end(), component_[k])) outside_.push_back(own_[k]);
    }

    const Components& table() const { return cells_; }
    /// The cells of maps in several pieces.
    std::int64_t cells() const { return std::int64_t(own_.size()); }
    /// Those that are not in the largest piece of their map.
    const std::vector<std::int64_t>& outside() const { return outside_; }
    /// The cells of the largest of these maps.
    std::int64_t most() const { return most_; }

    /// Join cells, told by their patterns, by their facets and points, with sets of zeros of so many words.  Returns how many are those
    /// chosen of `Components`; the others are passed over.
    std::int64_t add(const std::int64_t* numbers, const Word* patterns, std::int64_t count, FaceSets facets, FaceSets points, std::size_t zero_words) {
        if (groups_.empty()) begin();
        std::vector<std::size_t> places;
        for (std::int64_t k = 0; k < count; ++k) places.push_back(place_of(cells_.cell_again(patterns + std::size_t(k) * cells_.columns())));
        each_face(numbers, count, facets, zero_words, [&](std::int64_t row, const Word* zeros) {
            if (!cells_.has_walls(zeros, zero_words)) join(places[std::size_t(row)], zeros, true);
        });
        each_face(numbers, count, points, zero_words, [&](std::int64_t row, const Word* zeros) { join(places[std::size_t(row)], zeros, false); });
        return count - std::count(places.begin(), places.end(), own_.size());
    }

    /// The pieces of all maps: by facets, and by facets and points.
    std::pair<std::int64_t, std::int64_t> pieces() const { return {by_facet_.sets(), by_point_.sets()}; }

private:
    Components& cells_;
    std::vector<std::int64_t> own_, outside_;  // in ascending order
    std::vector<Number> component_;     // by place in `own_`
    std::vector<Number> largest_;       // of each map the largest component
    std::vector<std::size_t> groups_;   // the places by map
    std::vector<std::size_t> group_;    // by place: where in these its map begins
    std::vector<Number> facet_pieces_, point_pieces_;  // by that: how many pieces the map is in
    std::vector<Word> units_, packed_;  // room for a set
    Forest by_facet_, by_point_;        // of places
    Number most_ = 0;

    /// Group the cells by maps, and begin with the components that there are.
    void begin() {
        groups_.resize(own_.size()), group_.resize(own_.size()), facet_pieces_.resize(own_.size(), 0);
        std::iota(groups_.begin(), groups_.end(), std::size_t{0});
        std::stable_sort(groups_.begin(), groups_.end(), [&](std::size_t a, std::size_t b) { return map(a) < map(b); });
        by_facet_.reach(cells()), by_point_.reach(cells());
        for (std::size_t k = 0; k < groups_.size(); ++k) {
            const std::size_t own = groups_[k], first = place_of(component_[own]);
            group_[own] = k > 0 && map(groups_[k - 1]) == map(own) ? group_[groups_[k - 1]] : k;
            facet_pieces_[group_[own]] += own == first;
            by_facet_.unite(std::int64_t(own), std::int64_t(first)), by_point_.unite(std::int64_t(own), std::int64_t(first));
        }
        point_pieces_ = facet_pieces_;
    }
    std::int64_t map(std::size_t place) const { return cells_.map(own_[place]); }
    /// The place of a cell; the number of places where it has none.
    std::size_t place_of(std::int64_t cell) const {
        const auto found = std::lower_bound(own_.begin(), own_.end(), cell);
        return found != own_.end() && *found == cell ? std::size_t(found - own_.begin()) : own_.size();
    }
    /// Join a cell to the others of its map that have a face of it, too, while they are in several pieces.
    void join(std::size_t place, const Word* zeros, bool is_facet) {
        if (place == own_.size()) return;
        const std::size_t begin = group_[place];
        if ((is_facet ? facet_pieces_ : point_pieces_)[begin] == 1) return;
        cells_.units_of(zeros, units_.data()), cells_.pack(units_.data(), packed_.data());
        for (std::size_t k = begin; k < groups_.size() && map(groups_[k]) == map(place); ++k) {
            if (!cells_.differ_within(own_[place], own_[groups_[k]], packed_.data())) continue;
            const auto one = std::int64_t(place), other = std::int64_t(groups_[k]);
            if (is_facet) facet_pieces_[begin] -= by_facet_.unite(one, other);
            point_pieces_[begin] -= by_point_.unite(one, other);
        }
    }
};

}  // namespace puiseux::cells::joining
