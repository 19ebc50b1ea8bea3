// Cells as rows of an array that grows: a packed pattern, the number of the cell's map, its parent in a forest, the cell before.
//
// A pattern is packed bit after bit, without the gaps between stages.  Its hash is made of a sum that changes by a known number
// where a bit is switched, so the hashes of all patterns that differ in one unit are had without going through the words.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "covers.hpp"
#include "growing.hpp"
#include "units.hpp"

namespace puiseux::cells::joining {

/// Faces one after another: of each the number of its cell, in ascending order, and the set of units and walls that vanish there, in
/// words: those of the units, stage by stage, then those of the walls.
struct FaceSets {
    const std::int64_t* cell;
    const Word* zeros;
    std::int64_t count;
};

/// Call `use` with each face, as the row of its cell among so many with these numbers, and its set of so many words.
template <class Use>
void each_face(const std::int64_t* numbers, std::int64_t count, FaceSets faces, std::size_t words, Use&& use) {
    std::int64_t row = 0;
    for (std::int64_t f = 0; f < faces.count; ++f) {
        while (row < count && numbers[row] < faces.cell[f]) ++row;
        if (row == count || numbers[row] != faces.cell[f]) throw std::invalid_argument("a face of no cell");
        use(row, faces.zeros + std::size_t(f) * words);
    }
}

class CellRecords {
public:
    using Number = SlotTable::Number;

    std::int64_t cells() const { return cells_; }
    size_t columns() const { return columns_; }
    /// The map of a cell, and its pattern, as it came.
    std::int64_t map(std::int64_t cell) const { return map_of(checked(cell)); }
    void pattern(std::int64_t cell, Word* to) const { unpack(checked(cell), to); }
    /// The words of a set of zeros that are those of units, before those of walls.
    size_t unit_words() const { return zero_columns_.size(); }
    /// The units of a set of zeros, as a pattern.
    void units_of(const Word* zeros, Word* to) const {
        for (size_t c = 0; c < columns_; ++c) to[c] = 0;
        for (size_t q = 0; q < zero_columns_.size(); ++q) to[zero_columns_[q]] = zeros[q];
    }
    /// Whether there are walls in a set of zeros of so many words.
    bool has_walls(const Word* zeros, size_t words) const {
        Word found = 0;
        for (size_t q = zero_columns_.size(); q < words; ++q) found |= zeros[q];
        return found != 0;
    }

protected:
    struct Place {
        std::uint32_t stage, unit;
    };
    std::vector<int> units_;               // by stage
    size_t words_, columns_, width_, stride_;  // words of a stage in a pattern, of a pattern, of a packed one; numbers in a record
    std::vector<Place> place_;             // by bit of a packed pattern
    std::vector<size_t> at_;               // by column of a pattern: the packed bit with which it begins
    std::vector<size_t> zero_columns_;     // the columns that have units
    Growing<Number> records_;              // by cell: its packed pattern, its map, its parent in the forest, and the cell of the map before it
    std::int64_t cells_ = 0;
    CoverMask covers_;                     // of packed patterns
    mutable std::vector<Word> packed_;     // room for such a pattern

    CellRecords(std::vector<int> units, int words) : units_(std::move(units)), words_(size_t(words)), columns_(units_.size() * words_), at_(columns_, 0) {
        for (size_t s = 0; s < units_.size(); ++s) {
            const auto own = size_t(units_[s]);
            if (own > 64 * words_) throw std::invalid_argument("a stage has more units than its words have bits");
            for (size_t q = 0; 64 * q < own; ++q) at_[s * words_ + q] = place_.size() + 64 * q, zero_columns_.push_back(s * words_ + q);
            for (size_t j = 0; j < own; ++j) place_.push_back({std::uint32_t(s), std::uint32_t(j)});
        }
        width_ = std::max<size_t>(1, (place_.size() + 63) / 64), stride_ = 2 * width_ + 3;
        packed_.resize(width_);
    }

    /// The packed bit of a unit.
    size_t bit_of(int stage, int unit) const { return at_[size_t(stage) * words_ + size_t(unit / 64)] + size_t(unit % 64); }

    Number* record(Number cell) { return records_.data() + size_t(cell) * stride_; }
    const Number* record(Number cell) const { return records_.data() + size_t(cell) * stride_; }
    Number& map_of(Number cell) { return record(cell)[2 * width_]; }
    Number map_of(Number cell) const { return record(cell)[2 * width_]; }
    Number& parent(Number cell) { return record(cell)[2 * width_ + 1]; }
    Number& before(Number cell) { return record(cell)[2 * width_ + 2]; }
    Number checked(std::int64_t cell) const {
        if (cell < 0 || cell >= cells_) throw std::out_of_range("there is no such cell");
        return Number(cell);
    }

    static Word word(const Number* record, size_t c) {
        Word found;
        std::memcpy(&found, record + 2 * c, sizeof found);
        return found;
    }
    void pack(const Word* pattern, Word* to) const {
        for (size_t c = 0; c < width_; ++c) to[c] = 0;
        for (size_t c = 0; c < columns_; ++c) {
            if (!pattern[c]) continue;
            const size_t column = at_[c] / 64, shift = at_[c] % 64;
            to[column] |= pattern[c] << shift;
            if (shift && column + 1 < width_) to[column + 1] |= pattern[c] >> (64 - shift);
        }
    }
    void unpack(Number cell, Word* to) const {
        const Number* own = record(cell);
        for (size_t s = 0; s < units_.size(); ++s) {
            for (size_t q = 0; q < words_; ++q) to[s * words_ + q] = 0;
            for (size_t q = 0, units = size_t(units_[s]); 64 * q < units; ++q) {
                const size_t begin = at_[s * words_ + q], shift = begin % 64;
                Word bits = word(own, begin / 64) >> shift;
                if (shift && begin / 64 + 1 < width_) bits |= word(own, begin / 64 + 1) << (64 - shift);
                to[s * words_ + q] = units - 64 * q < 64 ? bits & (bit(int(units)) - 1) : bits;
            }
        }
    }
    bool has_pattern(Number cell, const Word* packed) const {
        const Number* own = record(cell);
        Word apart = 0;
        for (size_t c = 0; c < width_; ++c) apart |= word(own, c) ^ packed[c];
        return !apart;
    }
    /// Whether the pattern of a cell is this one, but for covered units, which are off in it.
    bool has_uncovered(Number cell, const Word* uncovered) const {
        if (covers_.empty()) return has_pattern(cell, uncovered);
        copy(record(cell), packed_.data());
        covers_.apply(packed_.data());
        return std::equal(packed_.begin(), packed_.end(), uncovered);
    }
    void copy(const Number* record, Word* packed) const {
        for (size_t c = 0; c < width_; ++c) packed[c] = word(record, c);
    }

    /// A sum over the words of a pattern, which changes by `step` where a bit is set.
    static Word factor(size_t c) { return 0x9E3779B97F4A7C15u + 2 * 0xD1342543DE82EF95u * Word(c); }
    static Word step(size_t at) { return factor(at / 64) << (at % 64); }
    Word sum_of_words(const Word* packed) const {
        Word sum = 0;
        for (size_t c = 0; c < width_; ++c) sum += packed[c] * factor(c);
        return sum;
    }
    Word sum_of(Number cell) const {
        copy(record(cell), packed_.data());
        return sum_of_words(packed_.data());
    }
    /// The same without covered units.
    Word uncovered_sum(Number cell) const {
        copy(record(cell), packed_.data());
        covers_.apply(packed_.data());
        return sum_of_words(packed_.data());
    }
    /// Write a packed pattern, and switch covered units off in it; returns the sum without them.
    Word write(Number cell, Word* packed) {
        Word sum = 0;
        for (size_t c = 0; c < width_; ++c) {
            std::memcpy(record(cell) + 2 * c, packed + c, sizeof(Word));
            sum += packed[c] * factor(c);
        }
        if (covers_.empty()) return sum;
        covers_.apply(packed);
        return sum_of_words(packed);
    }
    static SlotTable::Hash hash_of(Word sum) {
        sum = (sum ^ (sum >> 32)) * 0xC2B2AE3D27D4EB4Fu;
        return SlotTable::Hash(sum >> 32);
    }

    Number root(Number cell) {
        while (parent(cell) != cell) cell = parent(cell) = parent(parent(cell));
        return cell;
    }

    /// The sum of the pattern with one bit switched, then without covered units, given that of the pattern.
    Word behind(const Number* own, Word sum, size_t at) const {
        if (!covers_.empty()) return go_behind(own, at, packed_.data());
        return word(own, at / 64) >> (at % 64) & 1 ? sum - step(at) : sum + step(at);
    }
    /// The same, with that pattern itself.
    Word go_behind(const Number* own, size_t at, Word* packed) const {
        copy(own, packed);
        packed[at / 64] ^= bit(int(at));
        covers_.apply(packed);
        return sum_of_words(packed);
    }

    /// The one bit in which packed patterns differ, or a number that no bit has.
    size_t bit_apart(const Number* a, const Number* b) const {
        size_t found = ~size_t{0};
        for (size_t c = 0; c < width_; ++c)
            if (const Word apart = word(a, c) ^ word(b, c)) {
                if ((apart & (apart - 1)) || found != ~size_t{0}) return ~size_t{0};
                found = 64 * c + size_t(std::countr_zero(apart));
            }
        return found;
    }
};

}  // namespace puiseux::cells::joining
