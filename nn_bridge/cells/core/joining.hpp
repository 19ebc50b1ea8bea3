// Rows of words in a hash table: numbering equal rows; and keys that name faces.
//
// A key is a row of 64-bit words.  The table has a power of two of slots: the keys, and the bearer of each, -1 for an empty
// slot.  Collisions go to the next slot; keys are compared in full.  The arrays belong to the caller, who makes a larger
// table when four fifths are full.  Source: linear probing with deletion, Knuth, volume 3, section 6.4, algorithm R.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace puiseux::cells::joining {

using Word = std::uint64_t;

/// Whether rows of a few words are equal; copies of such rows.
inline bool same(const Word* a, const Word* b, int words) {
    Word apart = 0;
    for (int c = 0; c < words; ++c) apart |= a[c] ^ b[c];
    return apart == 0;
}
inline void copy(const Word* from, int words, Word* to) {
    for (int c = 0; c < words; ++c) to[c] = from[c];
}

/// A number whose last bits depend on all bits of a row.
inline Word mixed(const Word* row, int words) {
    Word sum = 0;
    for (int c = 0; c < words; ++c) {
        sum = (sum ^ row[c]) * 0x9E3779B97F4A7C15u;
        sum ^= sum >> 29;
    }
    sum *= 0xC2B2AE3D27D4EB4Fu;
    return sum ^ (sum >> 32);
}

template <class Number>
class Table {
public:
    Table(Word* keys, Number* bearer, std::int64_t slots, int words) : keys_(keys), bearer_(bearer), slots_(slots), words_(words) {}

    /// Load the slot of a key that is to come soon: where a table is large, finding takes as long as waiting for memory.
    void expect([[maybe_unused]] const Word* key) const {
#if defined(__GNUC__)
        const std::int64_t slot = home(key);
        __builtin_prefetch(bearer_ + slot, 1), __builtin_prefetch(keys_ + slot * words_, 1);
#endif
    }
    bool is_full(std::int64_t rows) const { return 5 * (rows + 1) > 4 * slots_; }
    Number& bearer(std::int64_t slot) { return bearer_[slot]; }

    /// The slot of a key: where it is, or where it belongs.
    std::int64_t find(const Word* key) const {
        std::int64_t slot = home(key);
        while (bearer_[slot] >= 0 && !same(key, keys_ + slot * words_, words_)) slot = (slot + 1) & (slots_ - 1);
        return slot;
    }
    void put(std::int64_t slot, const Word* key, Number bearer) {
        copy(key, words_, keys_ + slot * words_);
        bearer_[slot] = bearer;
    }
    /// Empty a slot and close the gap, so that no later search ends too early.
    void remove(std::int64_t hole) {
        bearer_[hole] = -1;
        for (std::int64_t probe = (hole + 1) & (slots_ - 1); bearer_[probe] >= 0; probe = (probe + 1) & (slots_ - 1)) {
            // the key may move into the hole unless its home lies cyclically in (hole, probe]
            const std::int64_t own = home(keys_ + probe * words_);
            if (((probe - own) & (slots_ - 1)) < ((probe - hole) & (slots_ - 1))) continue;
            put(hole, keys_ + probe * words_, bearer_[probe]);
            bearer_[probe] = -1, hole = probe;
        }
    }
    /// Move all keys to a larger, empty table.
    template <class Other>
    void move_to(Table<Other>& larger) const {
        for (std::int64_t old = 0; old < slots_; ++old)
            if (bearer_[old] >= 0) larger.put(larger.find(keys_ + old * words_), keys_ + old * words_, Other(bearer_[old]));
    }

private:
    Word* keys_;
    Number* bearer_;
    std::int64_t slots_;
    int words_;

    std::int64_t home(const Word* key) const { return std::int64_t(mixed(key, words_) & Word(slots_ - 1)); }
};

/// So many keys before one is needed its slot is loaded.
constexpr std::int64_t AHEAD = 8;

/// Number rows in the order in which they first come, from row `begin` on; `fresh` tells where each new number first comes.
/// Returns how many rows are worked in, and how many numbers are new; fewer rows than there are when the table must grow.
template <class Number>
std::pair<std::int64_t, std::int64_t> number(const Word* rows, std::int64_t count, int words, Table<Number> table, std::int64_t* state,
                                             std::int64_t* numbers, std::int64_t* fresh, std::int64_t begin, std::int64_t news) {
    for (std::int64_t i = begin; i < count; ++i) {
        if (table.is_full(state[0])) return {i, news};
        if (i + AHEAD < count) table.expect(rows + (i + AHEAD) * words);
        const std::int64_t slot = table.find(rows + i * words);
        if (table.bearer(slot) < 0) {
            table.put(slot, rows + i * words, Number(state[1]));
            fresh[news++] = i, ++state[0], ++state[1];
        }
        numbers[i] = table.bearer(slot);
    }
    return {count, news};
}

/// Pack the sign vectors of faces: the units that are positive, then the units and walls that vanish.
///
/// `columns` are the words of the patterns in use, `places` the bits of the key where each piece begins.
inline void pack(const Word* patterns, int pattern_words, const std::int64_t* rows, std::int64_t faces, const Word* zeros, int zero_words,
                 const std::int64_t* columns, int units, const std::int64_t* places, int pieces, Word* keys, int width) {
    for (std::int64_t k = 0; k < faces; ++k)
        for (int piece = 0; piece < pieces; ++piece) {
            const Word* zero = zeros + k * zero_words;
            const Word word = piece < units ? patterns[rows[k] * pattern_words + columns[piece]] & ~zero[piece] : zero[piece - units];
            const std::int64_t column = places[piece] >> 6;
            const int shift = int(places[piece] & 63);
            Word* key = keys + k * width;
            key[column] |= word << shift;
            if (shift && column + 1 < width) key[column + 1] |= word >> (64 - shift);
        }
}

/// The active units from which a path of active units leads to an output, pattern by pattern.
///
/// `read[stage, unit]` are the units that read a unit, `by_output` those that an output reads.
inline void relevant(const Word* patterns, std::int64_t leaves, const Word* read, int stages, int words, const Word* by_output, Word* result) {
    const int columns = stages * words;
    for (std::int64_t k = 0; k < leaves; ++k) {
        const Word* pattern = patterns + k * columns;
        Word* out = result + k * columns;
        Word any = 0;  // of later stages, and so far of this one
        for (int column = columns - 1; column >= 0; --column) {
            const int stage = column / words, later = (stage + 1) * words;
            Word found = pattern[column] & by_output[column];
            for (Word left = later < columns && any ? pattern[column] & ~found : 0; left; left &= left - 1) {
                const int unit = 64 * (column - stage * words) + std::countr_zero(left);
                const Word* readers = read + (std::int64_t(stage) * 64 * words + unit) * columns;
                for (int c = later; c < columns; ++c)
                    if (readers[c] & out[c]) {
                        found |= left & (~left + 1);
                        break;
                    }
            }
            out[column] = found, any |= found;
        }
    }
}

/// List in `found` the patterns whose relevant units are not those of the first one of their label; returns how many.
inline std::int64_t unlike(const Word* patterns, std::int64_t count, const Word* first, const std::int64_t* labels, const Word* read, int stages, int words,
                           const Word* by_output, std::int64_t* found) {
    const int columns = stages * words;
    std::vector<Word> own(size_t(2 * columns)), live(size_t(columns), ~Word{0});
    relevant(live.data(), 1, read, stages, words, by_output, own.data());
    live.assign(own.begin(), own.begin() + columns);  // units that are relevant in some pattern
    std::int64_t many = 0;
    for (std::int64_t k = 0; k < count; ++k) {
#if defined(__GNUC__)
        if (k + AHEAD < count) __builtin_prefetch(first + labels[k + AHEAD] * columns);
#endif
        const Word *pattern = patterns + k * columns, *other = first + labels[k] * columns;
        Word apart = 0;
        for (int c = 0; c < columns; ++c) apart |= (pattern[c] ^ other[c]) & live[size_t(c)];
        if (!apart) continue;
        relevant(pattern, 1, read, stages, words, by_output, own.data());
        relevant(other, 1, read, stages, words, by_output, own.data() + columns);
        if (!same(own.data(), own.data() + columns, columns)) found[many++] = k;
    }
    return many;
}

}  // namespace puiseux::cells::joining
