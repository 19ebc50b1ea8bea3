// Cells of the last stage: each is written as a leaf, or as a block of the leaves that a few units cut it into.
//
// Units of the last stage that no output reads may be left out: a leaf is then a cell of the network without them, and only
// the number of the cells that they cut it into is told.  All these have one map, and any two are joined by facets.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "blocks.hpp"
#include "counting.hpp"
#include "faces.hpp"
#include "walk.hpp"
#include "writer.hpp"

namespace puiseux::cells {

template <class S>
class LastStage : public Counting<S> {
    using Base = Counting<S>;

public:
    using typename Base::Set;

    PUISEUX_RARELY LastStage(const S& shape, Walk& walk)
        : Base(walk.problem, shape, walk.counters, walk.watch), walk_(walk), writer_(walk, shape.words()), earlier_(size_t(this->shape_.zero_words())),
          unread_(shape.none()), faces_(this->shape_, walk), neighbours_(this->shape_, walk, places_), read_(shape.none()) {
        if (walk.residues && walk.residues->stages.back().read)
            for (int j = 0; j < problem_.stages.back().units; ++j)
                if (walk.residues->stages.back().out[size_t(j)]) read_.add(j);
        for (int q = 0; q < int(walk.unread.size()); ++q) unread_[q] = walk.unread[size_t(q)];
    }

protected:
    using Base::active_, Base::counters_, Base::places_, Base::problem_, Base::shape_, Base::watch_;
    using typename Base::Lines;

    Walk& walk_;
    LeafWriter<Set> writer_;
    std::vector<Word> earlier_;         // units, as a set of zeros: cells on their other sides come earlier, or in other runs
    Set unread_;                        // units that do not tell leaves apart
    std::vector<Step> path_;            // the decisions so far
    bool progress_ = false;             // whether cells have been found since the run began

    bool is_last(int stage) const { return stage + 1 == int(problem_.stages.size()); }

    /// The unit by which to split: of the last stage first those that the outputs read, so that cells which share a map for
    /// other units alone stay together.
    int first_of(const Set& cut, int stage) const {
        if (!is_last(stage)) return cut.first();
        const Set read = cut & read_;
        return read.any() ? read.first() : cut.first();
    }

    double share() const { return std::ldexp(1.0, -std::min(1000, int(path_.size()))); }
    void found(std::int64_t cells) {
        counters_.cells += cells, progress_ = true, walk_.share += share();
        if (counters_.cells >= walk_.cell_limit) watch_.end_softly();
    }

    void leaf(Cell cell, int stage, const Set& last, const Set& within, const Lines& lines) {
        const std::int64_t cells = 1 + this->added_by(within, cell, this->dim(), stage, shape_.none());
        if (walk_.emit != Emit::NOTHING && walk_.wanted(walk_.leaf)) {
            writer_.begin_block(active_, last, shape_.none(), 1);
            if (with_faces(walk_.emit)) faces_.write(cell, int(lines.size()), active_, last);
            writer_.write(last, walk_.emit == Emit::NEIGHBOURS ? neighbours(cell, int(lines.size()), last, shape_.none(), 1) : nullptr);
        }
        ++walk_.leaf;
        found(cells);
    }

    /// Write the leaves that few units cut a cell of the last stage into, if that can be told from its generators.
    bool finish(Cell cell, int stage, const Set& positive, const Set& cut, const Set& within, bool mirrored, const Lines& lines) {
        const int units = cut.count();
        if (units > FEW) return false;
        const bool near = walk_.emit == Emit::NEIGHBOURS;
        if ((with_faces(walk_.emit) || (near && !lines.empty())) && walk_.select.empty()) return false;
        const Set rest = positive - cut;
        const bool begun = near && units <= 2;  // mostly all or three of the patterns are met: what is known of their residues loads meanwhile
        if (begun) writer_.begin_block(active_, rest, cut, units == 1 ? 3 : 15);
        const Word patterns = units == 1 ? 3 : this->patterns_met(cell, this->dim(), stage, cut);
        if (!patterns) return false;
        const int leaves = bits_of(patterns);
        const std::int64_t cells = leaves + this->added_by(within, cell, this->dim(), stage, cut);
        if (walk_.emit == Emit::NOTHING || (with_zeros(walk_.emit) && walk_.none_wanted(walk_.leaf, leaves))) {
            walk_.leaf += leaves;
        } else {
            // faces come cell by cell, and so do cells up to the limit
            if (with_faces(walk_.emit) || (near && (!lines.empty() || counters_.cells + cells > walk_.cell_limit))) return false;
            if (!begun) writer_.begin_block(active_, rest, cut, patterns);
            writer_.write_block(patterns, mirrored, rest, cut, near ? neighbours(cell, 0, rest, cut, patterns) : nullptr);
        }
        found(cells);
        return true;
    }

private:
    Faces<S> faces_;
    BlockNeighbours<S> neighbours_;
    Set read_;                          // units of the last stage that the outputs read, where that is known

    /// Units that surely vanish alone on facets of the cells that some units cut a cell of the last stage into, by their patterns.
    const Word* neighbours(Cell cell, int lines, const Set& rest, const Set& cut, Word patterns) {
        if (!writer_.need_neighbours(rest, cut, patterns)) return neighbours_.none();
        watch_.spend(cell.count * bits_of(patterns));
        neighbours_.find(cell, lines, cut, patterns, earlier_.data());
        if (cut.count() > 1) find_open(cell, rest, Members<FEW>(cut), patterns);
        return neighbours_.found(patterns);
    }

    /// Find units for cells at whose facets two units of K cross, where no generator shows the signs of both.
    ///
    /// `rest` are the other units that are active.  Units behind which the map surely is another one are not looked for.
    void find_open(Cell cell, const Set& rest, const Members<FEW>& units, Word patterns) {
        const int stage = int(problem_.stages.size()) - 1;
        neighbours_.each_open(units, patterns, [&](int k, Word open) {
            const unsigned crossing = neighbours_.crossing(units, k);
            if (std::popcount(crossing) != 2) return;
            const auto [of, unit] = neighbours_.unit(k);
            Word wanted = 0;
            for (Word left = open; left; left &= left - 1)
                if (writer_.may_be_still(of, unit, writer_.with(rest, units, unsigned(std::countr_zero(left))))) wanted |= left & (~left + 1);
            if (!wanted) return;
            const int i = std::countr_zero(crossing), j = std::bit_width(crossing) - 1, a = units.at[size_t(i)], b = units.at[size_t(j)];
            int shown = 0;
            const auto on_it = [&](Word* g) { return (shape_.zeros(g)[k >> 6] & bit(k)) != 0; };
            for (Word* g : cell)
                if (on_it(g))
                    if (const int sa = shape_.side(g, a), sb = shape_.side(g, b); sa && sb) shown |= 1 << (int(sa > 0) | int(sb > 0) << 1);
            const int met = this->quadrants(cell, stage, a, b, shown, on_it);
            if (met < 0) return;
            Word found = 0;
            for (Word left = wanted; left; left &= left - 1) {
                const auto pattern = unsigned(std::countr_zero(left));
                if (met >> ((pattern >> i & 1) | (pattern >> j & 1) << 1) & 1) found |= left & (~left + 1);
            }
            neighbours_.tell(found, k);
        });
    }
};

}  // namespace puiseux::cells
