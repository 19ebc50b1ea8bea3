// Components of the cells with one map, by their patterns: cells that differ in one unit are joined where a facet is certain.
//
// Lemma.  (a) Where unit i alone vanishes on a facet of a cell, the cell on its other side has the same pattern but for i.
// (b) Two cells that differ in one unit of the last stage alone share a facet.
// Proof.  (a) Near a point of the facet at which nothing else vanishes all other units keep their signs on the other side.
// (b) Both lie in one cell of the stage before, on which all units of the last stage are affine.  The segment between two points
// of their interiors crosses the zero set of that unit, and all others keep their signs on it.
//
// A cell brings its pattern and units as in (a); those of the last stage are taken as well, by (b).  If the cell with one of
// them switched has the same map, both belong to one component.  A map with one component needs no more joins, so a cell is
// compared with earlier ones of its map only until one is found.  Few maps have many cells: of these the patterns are kept in a
// hash table, others in a list from the latest back.  Components are a forest with path halving (Tarjan and van Leeuwen 1984).
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "joining.hpp"

namespace puiseux::cells::joining {

constexpr int MANY = 8;  // from so many cells on those of a map are found by a table

/// What is known of a map: the latest cell that came with it, the number of cells, and that of their components.
template <class Number>
struct MapCells {
    Number last, size, pieces;
};

template <class Number>
struct Components {
    const Word* patterns;       // of all cells, packed, `width` words each
    int width;
    const Word* last_stage;     // the units of the last stage, packed likewise
    const Number* label;        // by cell: its map
    Number *parent, *before;    // .. the forest, and the cell of the map that came before, -1 for none
    MapCells<Number>* maps;
    Number* slots;              // a power of two of cells, -1 for none: those of maps with many cells, by their patterns
    std::int64_t slot_count;
    std::int64_t* taken;        // how many slots are

    /// Take cells from number `begin` on up to `end`; `neighbours`, if any, are the units of cells from number `of` on.
    ///
    /// Returns the number of the first cell not taken, before the end where the table is to be larger.
    std::int64_t add(const Word* neighbours, std::int64_t of, std::int64_t begin, std::int64_t end) {
        std::vector<Word> units(last_stage, last_stage + width), across(units);
        for (std::int64_t cell = begin; cell < end; ++cell) {
#if defined(__GNUC__)
            if (cell + AHEAD < end) __builtin_prefetch(maps + label[cell + AHEAD], 1);
#endif
            MapCells<Number>& map = maps[label[cell]];
            const bool many = map.size >= MANY;
            if (many && 5 * (*taken + MANY + 1) > 4 * slot_count) return cell;
            ++map.pieces, parent[cell] = Number(cell);
            if (map.size > 0) {
                for (int c = 0; c < width && neighbours; ++c) units[std::size_t(c)] = last_stage[c] | neighbours[(cell - of) * width + c];
                if (map.size == MANY)
                    for (Number other = map.last; other >= 0; other = before[other]) put(other);
                join_across(cell, units.data(), many, across);
                if (many) put(Number(cell));
            }
            before[cell] = map.size > 0 ? map.last : Number(-1);
            map.last = Number(cell), ++map.size;
        }
        return end;
    }

    /// Join some of the cells once more, told by their patterns, with units as above; returns how many of them are among the `chosen` ones.
    std::int64_t join_again(const Word* own, const Word* units, std::int64_t count, const Number* chosen, std::int64_t chosen_count) {
        std::vector<Number> table(std::bit_ceil(std::size_t(2 * chosen_count + 1)), Number(-1));
        const auto slot_in = [&](const Word* pattern) { return slot_of(pattern, table.data(), std::int64_t(table.size())); };
        for (std::int64_t k = 0; k < chosen_count; ++k) table[std::size_t(slot_in(row(chosen[k])))] = chosen[k];
        std::vector<Word> across(static_cast<std::size_t>(width));
        std::int64_t known = 0;
        for (std::int64_t k = 0; k < count; ++k) {
            const Number cell = table[std::size_t(slot_in(own + k * width))];
            if (cell < 0) continue;
            ++known;
            join_across(cell, units + k * width, maps[label[cell]].size > MANY, across);
        }
        return known;
    }

    /// Move the cells of a table into an empty one.
    void take_over(const Number* old, std::int64_t count) {
        for (std::int64_t k = 0; k < count; ++k)
            if (old[k] >= 0) slots[slot_of(row(old[k]), slots, slot_count)] = old[k];
    }

private:
    const Word* row(std::int64_t cell) const { return patterns + cell * width; }

    void join(std::int64_t one, std::int64_t other) {
        const Number a = find(parent, Number(one)), b = find(parent, Number(other));
        if (a == b) return;
        parent[std::max(a, b)] = std::min(a, b);
        --maps[label[one]].pieces;
    }

    /// Join a cell to those of its map that have one of the units switched; `across` is room for a pattern.
    void join_across(std::int64_t cell, const Word* units, bool in_table, std::vector<Word>& across) {
        const MapCells<Number>& map = maps[label[cell]];
        if (!in_table) {
            for (Number other = map.last; other >= 0 && map.pieces > 1; other = before[other])
                if (differ_in_one(row(cell), row(other), units)) join(cell, other);
            return;
        }
        copy(row(cell), width, across.data());
        for (std::size_t c = 0; c < across.size(); ++c)
            for (Word left = units[c]; left && map.pieces > 1; left &= left - 1) {
                const Word own = left & (~left + 1);
                across[c] ^= own;
                const Number other = slots[slot_of(across.data(), slots, slot_count)];
                if (other >= 0 && label[other] == label[cell]) join(cell, other);
                across[c] ^= own;
            }
    }

    /// Whether two patterns differ in exactly one unit, which is one of the given ones.
    bool differ_in_one(const Word* a, const Word* b, const Word* units) const {
        int found = 0;
        for (int c = 0; c < width; ++c) {
            const Word apart = a[c] ^ b[c];
            if (!apart) continue;
            if ((apart & (apart - 1)) || !(apart & units[c])) return false;
            ++found;
        }
        return found == 1;
    }

    void put(Number cell) { slots[slot_of(row(cell), slots, slot_count)] = cell, ++*taken; }
    /// The slot of the cell with a pattern: where it is, or where it belongs.
    std::int64_t slot_of(const Word* pattern, const Number* table, std::int64_t count) const {
        std::int64_t slot = std::int64_t(mixed(pattern, width) & Word(count - 1));
        while (table[slot] >= 0 && !same(pattern, row(table[slot]), width)) slot = (slot + 1) & (count - 1);
        return slot;
    }
};

}  // namespace puiseux::cells::joining
