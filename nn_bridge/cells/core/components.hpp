// Cells as they come, in one step: the number of their map, the proof that it is that map, and the component of its cells.
//
// Lemma.  (a) Where unit i alone vanishes on a facet of a cell, the cell on its other side has the same pattern but for i.
// (b) Two cells that differ in one unit of the last stage alone share a facet.
// Proof.  (a) Near a point of the facet at which nothing else vanishes all other units keep their signs on the other side.
// (b) Both lie in one cell of the stage before, on which all units of the last stage are affine.  The segment between two points
// of their interiors crosses the zero set of that unit, and all others keep their signs on it.
//
// Lemma.  (c) Let Z be what vanishes on a facet F of a cell A, units alone and no wall.  A cell that differs from A in units of Z
// alone is the one behind F.  (So fewer units tell less, and nothing wrong.)
// Proof.  Let B be such a cell, N the one behind F, and h an affine function that vanishes on F and is negative on A.  N differs from A
// in units of Z alone, too, since near a point of F at which nothing else vanishes all other units keep their signs.  While the
// patterns of some of these cells agree on all earlier stages, a unit of Z has one affine form on them, which vanishes on F if one
// of them is A or N: it is a multiple c h.  A unit with c = 0 does not tell them apart.  The first one with another c has one sign on
// each cell, so it tells A from N, and B has the sign of one of them and lies with it on one side of h = 0.  Say it lies with A: then
// no later unit of Z tells B from A, since both have its multiple of h where h is negative, and B is A.  So it lies with N, and
// likewise B is N.
//
// A cell brings its pattern, residues of its map, and units as in (a); few come again with all facets, by (c) (`join_again`).
// Cells with equal residues have one number, if their maps are proven equal.  If an earlier cell with this number has one of the
// units switched, both maps are equal iff no output moves with that unit (`derivatives.hpp`), and then both belong to one
// component.  So mostly one derivative proves and joins a cell.
// Other cells are compared with the latest and the first cell of their number in all units in which they differ, and then by the
// coefficients of their maps.  Those of another map are handed back, as are all where numbers are too long for that; they wait until
// they are told a number.
//
// With units that others cover (`covers.hpp`) patterns are compared without these: cells with one such pattern have one map and
// one component, so one of them stands for all.  Behind a unit lies the cell with it switched, and so any with that pattern but
// for covered units.  (b) holds for such sets of cells: they differ in a unit that is affine on a convex set which contains both.
//
// Units of the last stage that no output reads are taken as well, by (b).  A map with one component needs no more joins, so a cell
// is compared with earlier ones of its map only until one is found.  Few maps have many cells: of these the patterns are kept in a
// hash table, others in a list from the latest back.  Components are a forest with path halving (Tarjan and van Leeuwen 1984).
// Cells are worked in by small blocks, whose rows in tables are loaded together: else most of the time is waiting for memory.
#pragma once
#include <algorithm>
#include <bit>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "map_proofs.hpp"
#include "records.hpp"

namespace puiseux::cells::joining {

class Components : public CellRecords {
public:
    static constexpr Number NONE = SlotTable::NONE;

    /// For patterns of `words` words a stage of the network with these numbers; of at most so many cells.
    Components(std::shared_ptr<const WholeNumbers> numbers, int words, std::int64_t most)
        : CellRecords(hidden(*numbers), words), proofs_(std::move(numbers), words), most_(std::min<std::int64_t>(most, NONE - 1)),
          unread_(columns_, 0), across_units_(unread_), on_(unread_), off_(unread_), other_(unread_), across_(width_) {
        for (const int j : unread_units(proofs_.numbers())) unread_[(units_.size() - 1) * words_ + size_t(j / 64)] |= bit(j);
        maps_at_.reserve(0), cells_at_.reserve(0);
    }

    /// Units that others cover, before the first cell comes.
    void cover(const std::vector<Cover>& covers) {
        for (const Cover& c : covers)
            if (c.of_stage < 0 || c.of_stage >= c.stage || c.stage >= int(units_.size()) || c.of_unit < 0 || c.of_unit >= units_[size_t(c.of_stage)] ||
                c.unit < 0 || c.unit >= units_[size_t(c.stage)])
                throw std::invalid_argument("there is no such unit");
        if (cells_) throw std::invalid_argument("cells have come already");
        covers_ = CoverMask(covers, [this](int stage, int unit) { return bit_of(stage, unit); });
    }

    std::int64_t maps() const { return std::int64_t(maps_count_); }
    /// Bytes in use; room that is not used yet takes no memory.
    std::int64_t bytes() const {
        return cells_ * std::int64_t(stride_ * sizeof(Number)) + maps() * std::int64_t(sizeof(Map)) + maps_at_.bytes() + cells_at_.bytes() + chosen_at_.bytes();
    }

    /// Take cells, with the units told of each, if any; returns those whose number is not proven, by their places.
    std::vector<std::int64_t> add(const Word* patterns, const Word* residues, const Word* told, std::int64_t count) {
        if (count > most_ - cells_) throw std::overflow_error("at most " + std::to_string(most_) + " cells can be joined; count the cells alone");
        std::vector<std::int64_t> open;
        records_.reserve(size_t(cells_ + count) * stride_);
        for (std::int64_t begin = 0; begin < count; begin += BLOCK) {
            const size_t size = size_t(std::min(BLOCK, count - begin));
            const Word* own = told ? told + size_t(begin) * columns_ : nullptr;
            take_block(patterns + size_t(begin) * columns_, residues + begin, own, size, begin, open);
        }
        return open;
    }

    /// Tell cells that were handed back the numbers of their maps.
    void settle(const std::int64_t* cells, const std::int64_t* numbers, const Word* told, std::int64_t count) {
        for (std::int64_t k = 0; k < count; ++k) {
            if (numbers[k] < 0 || numbers[k] >= maps()) throw std::out_of_range("there is no such map");
            place(checked(cells[k]), Number(numbers[k]), nullptr, told ? told + size_t(k) * columns_ : nullptr, true);
        }
    }
    /// A number for a map that has residues of another one.
    std::int64_t add_map() { return new_map(); }

    /// The first cell of a map.
    std::int64_t first(std::int64_t map) const {
        if (map < 0 || map >= maps()) throw std::out_of_range("there is no such map");
        return maps_[size_t(map)].first;
    }

    /// The number of components of each map.
    std::vector<std::int64_t> pieces() const {
        std::vector<std::int64_t> found;
        for (size_t m = 0; m < maps_count_; ++m) found.push_back(maps_[m].pieces);
        return found;
    }
    /// How many maps are in several components.
    std::int64_t divided() const { return divided_; }
    /// The cells of maps in several components.
    std::vector<std::int64_t> in_pieces() const {
        if (divided_ == 0) return {};
        std::vector<std::int64_t> found;
        for (Number cell = 0; cell < cells_; ++cell)
            if (maps_[map_of(cell)].pieces > 1) found.push_back(cell);
        return found;
    }

    /// Choose cells for `join_again` and `cell_again`.
    void choose(const std::int64_t* cells, std::int64_t count) {
        chosen_at_ = {};
        chosen_at_.reserve(count);
        for (std::int64_t k = 0; k < count; ++k) chosen_at_.put(hash_of(sum_of(checked(cells[k]))), Number(cells[k]));
    }
    /// Join chosen cells once more, told by their patterns, through their facets, with sets of zeros of so many words.  Returns how
    /// many patterns are those of chosen cells.
    std::int64_t join_again(const std::int64_t* numbers, const Word* patterns, std::int64_t count, FaceSets facets, size_t zero_words) {
        std::vector<Number> cells;
        for (std::int64_t k = 0; k < count; ++k) cells.push_back(chosen(patterns + size_t(k) * columns_));
        std::vector<Word> units(columns_);
        each_face(numbers, count, facets, zero_words, [&](std::int64_t row, const Word* zeros) {
            if (cells[size_t(row)] == NONE || has_walls(zeros, zero_words)) return;
            units_of(zeros, units.data());
            join_through(cells[size_t(row)], units.data());
        });
        return count - std::count(cells.begin(), cells.end(), NONE);
    }
    /// The chosen cell with a pattern, -1 where there is none.
    std::int64_t cell_again(const Word* pattern) {
        const Number cell = chosen(pattern);
        return cell == NONE ? -1 : std::int64_t(cell);
    }

    /// The component of a cell, as one of its cells.
    std::int64_t component(std::int64_t cell) { return std::int64_t(root(checked(cell))); }
    /// The words of a packed pattern.
    size_t packed_words() const { return width_; }
    using CellRecords::pack;
    /// Whether two cells differ in units of a packed pattern alone.
    bool differ_within(std::int64_t cell, std::int64_t other, const Word* packed) const {
        const Number *a = record(Number(cell)), *b = record(Number(other));
        Word beyond = 0;
        for (size_t c = 0; c < width_; ++c) beyond |= (word(a, c) ^ word(b, c)) & ~packed[c];
        return !beyond;
    }

private:
    static constexpr std::int64_t BLOCK = 32;
    static constexpr int FIRST = 3;    // where all cells are joined, a neighbour is mostly found across one of the first units
    static constexpr Number MANY = 12;  // from so many cells on those of a map are found by the table
    static constexpr int FEW_AT_ONCE = 6;  // so many units that vanish on one facet: all ways to switch some of them are tried

    /// What is known of a map: the residues with which it came, its first and latest cell, and how many cells and components.
    struct Map {
        Word residue;
        Number first, last, size, pieces;
    };
    /// What is known of the map of a cell that is placed: that it is the map of its number, or that it is another one.
    struct Proof {
        bool proven, refuted = false;
    };

    MapProofs proofs_;
    std::int64_t most_;
    std::vector<Word> unread_, across_units_;  // as a pattern: the units of the last stage that no output reads; those that vary
    std::vector<Word> on_, off_;           // .. that some cell has on, and off
    std::vector<Word> other_, across_;     // room for a pattern, and a packed one
    Growing<Map> maps_;
    size_t maps_count_ = 0;
    std::int64_t divided_ = 0;             // how many of them are in several components
    SlotTable maps_at_, cells_at_, chosen_at_;  // maps by their residues; cells of maps with many cells, and chosen ones, by their patterns
    Word sums_[BLOCK]{};                   // of a block: the sums of patterns (`sum_of`)
    Number numbers_[BLOCK]{};              // .. and provisional numbers
    std::vector<SlotTable::Hash> wanted_;  // .. and the hashes of patterns across the units that are told

    static std::vector<int> hidden(const WholeNumbers& numbers) {
        std::vector<int> found;
        for (const auto& stage : numbers.stages) found.push_back(stage.units());
        found.pop_back();
        return found;
    }

    // -------------------------------------------------------------------------------------------------------- blocks

    void take_block(const Word* patterns, const Word* residues, const Word* told, size_t size, std::int64_t begin, std::vector<std::int64_t>& open) {
        const auto first = Number(cells_);
        maps_.reserve(maps_count_ + size), maps_at_.reserve(BLOCK), cells_at_.reserve(BLOCK * (MANY + 1));
        for (size_t k = 0; k < size; ++k) {
            const Word* pattern = patterns + k * columns_;
            for (size_t c = 0; c < columns_; ++c) on_[c] |= pattern[c], off_[c] |= ~pattern[c];
            pack(pattern, across_.data());
            sums_[k] = write(first + Number(k), across_.data());
            maps_at_.expect(hash_of_residue(residues[k]));
        }
        for (size_t k = 0; k < size; ++k) {
            numbers_[k] = number_of(residues[k]);
#if defined(__GNUC__)
            __builtin_prefetch(maps_.data() + numbers_[k], 1);
#endif
        }
        for (size_t c = 0; c < columns_; ++c) across_units_[c] = unread_[c] & on_[c] & off_[c];
        load_neighbours(told, size);
        for (size_t k = 0; k < size; ++k) {
            const Number cell = first + Number(k);
            map_of(cell) = numbers_[k], ++cells_;
            if (!place(cell, numbers_[k], patterns + k * columns_, told ? told + k * columns_ : nullptr, false, sums_[k])) open.push_back(begin + std::int64_t(k));
        }
    }

    /// Load what will be looked at across the units that are told.
    void load_neighbours([[maybe_unused]] const Word* told, [[maybe_unused]] size_t size) {
#if defined(__GNUC__)
        wanted_.clear();
        for (size_t k = 0; k < size; ++k) {
            if (maps_[numbers_[k]].size < MANY) {
                if (maps_[numbers_[k]].size) __builtin_prefetch(record(maps_[numbers_[k]].last));
                continue;
            }
            wanted_.push_back(hash_of(sums_[k]));
            const Number* own = record(Number(cells_) + Number(k));
            int most = maps_[numbers_[k]].pieces == 1 ? FIRST : INT_MAX;
            for (size_t c = 0; c < columns_; ++c)
                for (Word left = across_units_[c] | (told ? told[k * columns_ + c] : 0); left && most-- > 0; left &= left - 1)
                    wanted_.push_back(hash_of(behind(own, sums_[k], at_[c] + size_t(std::countr_zero(left)))));
        }
        for (const SlotTable::Hash hash : wanted_) cells_at_.expect(hash);
        for (const SlotTable::Hash hash : wanted_)
            if (const Number cell = cells_at_.likely(hash); cell != NONE) __builtin_prefetch(record(cell), 1);
#endif
    }

    void unite(Number one, Number other, Map& map) {
        const Number a = root(one), b = root(other);
        if (a == b) return;
        parent(std::max(a, b)) = std::min(a, b);
        one_less(map);
    }
    void one_more(Map& map) { divided_ += ++map.pieces == 2; }
    void one_less(Map& map) { divided_ -= --map.pieces == 1; }
    static SlotTable::Hash hash_of_residue(Word residue) { return hash_of(residue * factor(0)); }
    Number number_of(Word residue) {
        const SlotTable::Hash hash = hash_of_residue(residue);
        const Number known = maps_at_.find(hash, [&](Number m) { return maps_[m].residue == residue; });
        if (known != NONE) return known;
        const Number number = new_map();
        maps_[number].residue = residue;
        maps_at_.put(hash, number);
        return number;
    }
    Number new_map() {
        maps_.reserve(maps_count_ + 1);
        maps_[maps_count_] = {~Word{0}, NONE, NONE, 0, 0};
        return Number(maps_count_++);
    }

    // -------------------------------------------------------------------------------------------------------- one cell

    /// Give a cell its number, join it, and note it; false, and nothing changes, if it is not proven that this is its number.
    bool place(Number cell, Number number, const Word* pattern, const Word* told, bool known) {
        cells_at_.reserve(MANY + 1);
        return place(cell, number, pattern, told, known, uncovered_sum(cell));
    }
    bool place(Number cell, Number number, const Word* pattern, const Word* told, bool known, Word sum) {
        Map& map = maps_[number];
        const bool many = map.size >= MANY;
        parent(cell) = cell;
        if (map.size > 0) {
            one_more(map), map_of(cell) = number;
            Proof proof{known};
            proofs_.turn_to(pattern);
            if (!covers_.empty())
                if (const Number twin = twin_of(cell, sum, map); twin != NONE) {
                    unite(cell, twin, map);
                    proof.proven = true, before(cell) = NONE;
                    join_across(cell, sum, told, many, proof);
                    return true;
                }
            join_across(cell, sum, told, many, proof);
            if (!proof.proven && (proof.refuted || !is_like(map))) {
                one_less(map);
                return false;
            }
        } else {
            map.first = cell, map.pieces = 1, map_of(cell) = number;
        }
        before(cell) = map.last, map.last = cell;
        if (many) cells_at_.put(hash_of(sum), cell);
        if (++map.size == MANY)
            for (Number other = cell; other != NONE; other = before(other)) cells_at_.put(hash_of(uncovered_sum(other)), other);
        return true;
    }

    /// Whether a cell surely has the map of the latest and the first one of a map.
    bool is_like(const Map& map) {
        unpack(map.last, other_.data());
        if (proofs_.alike(other_.data())) return true;
        if (map.first != map.last) {
            unpack(map.first, other_.data());
            if (proofs_.alike(other_.data())) return true;
        }
        return proofs_.has_coefficients_of(other_.data());
    }
    /// Join a cell to another one with its number that differs in one unit alone, if their maps are equal.
    void join(Number cell, Number other, size_t at, Map& map, Proof& proof) {
        if (!proof.proven) {
            proof.proven = proofs_.still(place_[at].stage, place_[at].unit);
            proof.refuted = !proof.proven && proofs_.decides();
            if (!proof.proven) return;
        }
        unite(cell, other, map);
    }

    /// Join a cell to earlier ones with its number that have one of the units switched, until the map has one component.
    void join_across(Number cell, Word sum, const Word* told, bool in_table, Proof& proof) {
        Map& map = maps_[map_of(cell)];
        const Number* own = record(cell);
        if (!in_table) {
            for (Number other = map.last; other != NONE && map.pieces > 1 && !proof.refuted; other = before(other))
                if (const size_t at = unit_apart(cell, other, told); at < place_.size() && is_told(at, told)) join(cell, other, at, map, proof);
            return;
        }
        copy(own, across_.data());
        const bool plain = covers_.empty();
        for (size_t c = 0; c < columns_; ++c)
            for (Word left = across_units_[c] | (told ? told[c] : 0); left && map.pieces > 1 && !proof.refuted; left &= left - 1) {
                const size_t at = at_[c] + size_t(std::countr_zero(left));
                if (plain) across_[at / 64] ^= bit(int(at));
                const Word beyond = plain ? behind(own, sum, at) : go_behind(own, at, across_.data());
                const Number other = cells_at_.find(hash_of(beyond), [&](Number known) { return has_uncovered(known, across_.data()); });
                if (other != NONE && map_of(other) == map_of(cell)) join(cell, other, at, map, proof);
                if (plain) across_[at / 64] ^= bit(int(at));
            }
    }

    /// Join a cell to the one behind a facet on which these units vanish, by (c), if it has its number.
    void join_through(Number cell, const Word* units) {
        Map& map = maps_[map_of(cell)];
        int count = 0;
        for (size_t c = 0; c < columns_; ++c) count += bits_of(units[c]);
        Proof proof{true};
        if (count == 1) return join_across(cell, uncovered_sum(cell), units, map.size >= MANY, proof);
        if (!covers_.empty() || map.pieces == 1) return;
        pack(units, across_.data());
        const Number* own = record(cell);
        if (map.size < MANY) {
            for (Number other = map.last; other != NONE; other = before(other))
                if (differ_within(cell, other, across_.data())) unite(cell, other, map);
        } else if (count <= FEW_AT_ONCE) {
            std::vector<size_t> at;
            each_member(across_.data(), int(width_), [&](int k) { at.push_back(size_t(k)); });
            for (unsigned chosen = 1; chosen < 1u << count; ++chosen) {
                copy(own, across_.data());
                for (unsigned left = chosen; left; left &= left - 1) across_[at[size_t(std::countr_zero(left))] / 64] ^= bit(int(at[size_t(std::countr_zero(left))]));
                const Number other = cells_at_.find(hash_of(sum_of_words(across_.data())), [&](Number found) { return has_pattern(found, across_.data()); });
                if (other != NONE && map_of(other) == map_of(cell)) unite(cell, other, map);
            }
        }
    }

    /// The unit behind which a cell of the pattern of another one lies, but for covered units; if there is none, a number that no bit has.
    size_t unit_apart(Number cell, Number other, const Word* told) {
        if (covers_.empty()) return bit_apart(record(cell), record(other));
        const Number* own = record(cell);
        for (size_t c = 0; c < columns_; ++c)
            for (Word left = across_units_[c] | (told ? told[c] : 0); left; left &= left - 1) {
                const size_t at = at_[c] + size_t(std::countr_zero(left));
                go_behind(own, at, across_.data());
                if (has_uncovered(other, across_.data())) return at;
            }
        return ~size_t{0};
    }
    /// An earlier cell of a map whose pattern is that of another one but for covered units, or NONE.
    Number twin_of(Number cell, Word sum, const Map& map) {
        copy(record(cell), across_.data());
        covers_.apply(across_.data());
        const auto is_twin = [&](Number known) { return map_of(known) == map_of(cell) && has_uncovered(known, across_.data()); };
        if (map.size >= MANY) return cells_at_.find(hash_of(sum), is_twin);
        for (Number other = map.last; other != NONE; other = before(other))
            if (is_twin(other)) return other;
        return NONE;
    }

    bool is_told(size_t at, const Word* told) const {
        const size_t c = place_[at].stage * words_ + place_[at].unit / 64;
        return (across_units_[c] | (told ? told[c] : 0)) & bit(int(place_[at].unit));
    }

    Number chosen(const Word* pattern) {
        if (!chosen_at_.taken()) return NONE;
        pack(pattern, across_.data());
        Word sum = 0;
        for (size_t c = 0; c < width_; ++c) sum += across_[c] * factor(c);
        return chosen_at_.find(hash_of(sum), [&](Number cell) { return has_pattern(cell, across_.data()); });
    }
};

}  // namespace puiseux::cells::joining
