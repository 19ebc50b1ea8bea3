// Where things lie in the arrays of the edge subdivision, which Python allocates, and the smallest operations on them.
//
// Vertex rows (a float64 matrix)
//     [0]               residual of the row, in units of each column's scale
//     [1]               two floats, rounded up: amplification of the vertex; largest |value| / scale
//     [HEAD ..]         x (d), carried units, values of the current stage
// Beside them, per vertex
//     signs (2 words)   bit k: neuron k of the block is positive; now, and in the block before
//     fingerprint       the words of everything before this block, of all its zeros and walls
//     zeros, faces      the neurons through the vertex, padded with -1; its domain face
// Edge rows (a matrix of 64-bit words)
//     int32 [0], [1]    end vertices
//     word [1]          fingerprint before this block (one block behind until `begin_block`), with zeros and walls
//     int32 [4]         domain face, with UP and KNOWN: whether its second end is the higher one
//     int16 [10 ..]     zeros (d - 1), padded with -1, then their amplifications, padded with NEUTRAL
// A neuron of the block that is positive on an edge is positive at one of its ends and not negative at the other: so an
// edge's own signs in the block are signs[a] | signs[b].
//
// Cut records (a matrix of 64-bit words): what the vertex on the j-th edge that a neuron cuts tells others
//     word [0]          sign word
//     double [1], [2]   height and its error
//     word [3]          the words of the block's neurons before this one that are positive at the vertex
//     int32 [8], [9]    the ends of the edge before it was cut
//     int32 [10], [11]  its domain face; 1 where its ends differ in a later neuron's sign, so that one may cut its halves
//     int16 [24 ..]     zeros and amplifications of the edge (2 (d - 1)), then the amplification by the cut itself
//
// Rows and records begin on a line of the cache. What lies behind the columns of a row, up to a multiple of LANES, is zero
// or was something finite: so rows are blended LANES numbers at a time, with scales of zero there.
//
// Amplifications in edges and records are the upper half of a float, rounded up.  Each place of a row is read and written
// as one type only.
#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "bounds.hpp"
#include "targets.hpp"

namespace puiseux::edges {

using puiseux::dispatch;
using puiseux::prefetch;
using puiseux::wide;
using puiseux::wide_processor;

using Word = std::uint64_t;
using Number = std::int64_t;
using std::size_t;

constexpr double UNIT = 0x1p-53;  // the unit roundoff itself: bounds here have factors of their own for their rounding
static_assert(UNIT < UNIT_ROUNDOFF);  // and bounds.hpp says what all compiled code is built with
constexpr size_t HEAD = 2;
constexpr int UP_BIT = 29;
constexpr std::int32_t UP = 1 << UP_BIT, KNOWN = 1 << 30, FACE_BITS = UP - 1;
constexpr std::int16_t NEUTRAL = 0x3F80;  // the amplification 1
constexpr Number CHUNK = 63;              // edges in one chunk of a bucket
constexpr size_t BLOCK = 64;              // neurons of a block
constexpr size_t LANES = 4;               // numbers of a row that are worked on at once
constexpr size_t TILE = 32;               // cuts that are made together, then joined together
constexpr Word MIX = 0x9E3779B97F4A7C15;

/// A matrix that Python holds; rows may lie further apart than they are long: so far, where that is known before.
template <class T, size_t Known = 0>
struct Grid {
    T* data = nullptr;
    size_t rows = 0, columns = 0, stride = 0;

    PUISEUX_INLINE T* operator[](size_t row) const { return data + row * (Known ? Known : stride); }
};

/// Words of an edge and of a cut record in dimension d; 0 where that is known only at run time.
constexpr size_t edge_words(size_t d) { return d ? (20 + 4 * (d - 1) + 7) / 8 : 0; }
constexpr size_t record_words(size_t d) { return d ? 6 + (2 * (d - 1) + 4) / 4 : 0; }

/// A vector that Python holds.
template <class T>
struct Line {
    T* data = nullptr;
    size_t size = 0;

    PUISEUX_INLINE T& operator[](size_t place) const { return data[place]; }
};

/// What one block of up to 64 neurons is about, and how far its cuts are.
struct Block {
    Number column = 0, columns = 0, count = 0, dim = 0, first = 0, longest = 0;  // first: the number of its first neuron
    bool tolerant = false;  // whether 2-faces that only one edge meets are allowed (the complex was pruned)
    Number vertices = 0, edges = 0, neuron = 0;
    bool begun = false;  // whether the present neuron was left half-way: then the next four are about it
    Number cuts = 0, made = 0, joined = 0, next_edge = 0, capacity = 0;
    Number found = 0, single = 0, bad = 0;  // doubts; 2-faces met once, and too often
    Number free = -1, fresh = 0;            // chunks of buckets: a list of used ones, the first that never was
};

struct Vertices {
    Grid<double> rows;
    Grid<Word> signs;
    Line<Word> fingerprint;
    Grid<std::int16_t> zeros;
    Line<std::int32_t> faces;

    PUISEUX_INLINE double& residual(size_t v) const { return rows[v][0]; }
    PUISEUX_INLINE float amplification(size_t v) const { return std::bit_cast<std::array<float, 2>>(rows[v][1])[0]; }
    PUISEUX_INLINE float size(size_t v) const { return std::bit_cast<std::array<float, 2>>(rows[v][1])[1]; }
    PUISEUX_INLINE void set(size_t v, float amplification, float size) const {
        rows[v][1] = std::bit_cast<double>(std::array<float, 2>{amplification, size});
    }
    PUISEUX_INLINE Word& now(size_t v) const { return signs.data[2 * v]; }
    PUISEUX_INLINE Word& before(size_t v) const { return signs.data[2 * v + 1]; }
};

template <size_t D>
struct EdgesOf {
    Grid<Word, edge_words(D)> words;

    PUISEUX_INLINE std::int32_t* ends(size_t i) const { return reinterpret_cast<std::int32_t*>(words[i]); }
    PUISEUX_INLINE Word& base(size_t i) const { return words[i][1]; }
    PUISEUX_INLINE std::int32_t& marks(size_t i) const { return reinterpret_cast<std::int32_t*>(words[i])[4]; }
    PUISEUX_INLINE std::int16_t* zeros(size_t i) const { return reinterpret_cast<std::int16_t*>(words[i]) + 10; }
};

using Edges = EdgesOf<0>;

template <size_t D>
struct RecordsOf {
    Grid<Word, record_words(D)> words;

    PUISEUX_INLINE Word& sign(size_t j) const { return words[j][0]; }
    PUISEUX_INLINE double& height(size_t j) const { return reinterpret_cast<double*>(words[j])[1]; }
    PUISEUX_INLINE double& height_error(size_t j) const { return reinterpret_cast<double*>(words[j])[2]; }
    PUISEUX_INLINE Word& below(size_t j) const { return words[j][3]; }
    PUISEUX_INLINE std::int32_t* ends(size_t j) const { return reinterpret_cast<std::int32_t*>(words[j]) + 8; }
    PUISEUX_INLINE std::int32_t& face(size_t j) const { return reinterpret_cast<std::int32_t*>(words[j])[10]; }
    PUISEUX_INLINE std::int32_t& open(size_t j) const { return reinterpret_cast<std::int32_t*>(words[j])[11]; }
    PUISEUX_INLINE std::int16_t* zeros(size_t j) const { return reinterpret_cast<std::int16_t*>(words[j]) + 24; }
};

/// For every neuron of a block the edges that it cuts next, in chunks pool[chunk] = (next chunk, edges ..).
///
/// `next` is the place in the pool for one more edge, a multiple of CHUNK + 1 where a chunk must come first; `size` counts
/// the edges in all chunks but the last.
struct Buckets {
    Grid<std::int32_t> pool;
    Line<Number> head, next, size;

    PUISEUX_INLINE Number total(size_t k) const { return head[k] < 0 ? 0 : size[k] + ((next[k] - 1) & CHUNK); }
    PUISEUX_INLINE void empty(size_t k) const { head[k] = -1, next[k] = size[k] = 0; }
};

/// Places for the moves of a cut edge in dimension d: a power of two, of which this is the logarithm; there are no more
/// moves than that in the plane and in space.
constexpr size_t moves_shift(size_t d) { return d ? size_t(std::bit_width(2 * d - 3)) : 0; }

/// Per cut edge of the present neuron its number, its record, and the keys of the 2-faces around it, one for each move.
///
/// A move's number is cut << shift | place among the moves of the cut. `pairs` has the moves of the cuts that are joined
/// together which lead where a move before led: its number << 32 | that of the move before, plus one. A slot of the table of
/// 2-faces is zero, or has the upper half of a key (with its MARK, so that it is not zero) and below it the number of the
/// first move that led there, plus one, or TWICE where a second one did. Different keys of which half is the same are told
/// apart when edges are made: that is as bad as a 2-face that is met three times, and other words are drawn.
template <size_t D>
struct Workspace {
    Line<std::int32_t> order;
    RecordsOf<D> records;
    Line<Word> keys, pairs, slots;
};

constexpr Word LOWER = 0xFFFFFFFF, TWICE = LOWER, MARK = LOWER + 1;

/// Words of the hyperplanes and domain faces, and the covers of each face.
struct Names {
    Line<const Word> zero, positive, face;
    Line<const std::int32_t> face_dim, cover_start, covers;
};

/// Pairs (vertex, neuron of the block) whose sign is within its error bound.
using Doubts = Grid<Number>;

/// The amplification behind 16 bits.
PUISEUX_INLINE double widen(std::int16_t half) { return std::bit_cast<float>(std::int32_t(half) << 16); }

/// 16 bits for an amplification of at least 1, rounded up; too large a one becomes infinite.
PUISEUX_INLINE std::int16_t narrow(double value) {
    const Number bits = std::bit_cast<std::int32_t>(float(value * (1 + 0x1p-20)));
    return std::int16_t((bits + 0xFFFF) >> 16);
}

/// A float not below a positive number.
PUISEUX_INLINE float up32(double value) { return float(value * (1 + 0x1p-22)); }

/// The bits of an absolute value: in the same order, NaN above all.  The largest of many is found many at a time in this
/// form; of doubles it is not, for the sake of NaN.
PUISEUX_INLINE Number bits_of(double value) { return std::bit_cast<Number>(std::abs(value)); }
PUISEUX_INLINE double float_of(Number bits) { return std::bit_cast<double>(bits); }

/// The larger of two absolute values, NaN if one is.
PUISEUX_INLINE double larger(double one, double two) {
    const Number first = bits_of(one), second = bits_of(two);
    return float_of(first > second ? first : second);
}

/// The number itself, but compilers can't tell: they would make branches of what is computed from it.
PUISEUX_INLINE Word unforeseen(Word number) {
#if defined(__GNUC__)
    asm("" : "+r"(number));
#endif
    return number;
}

/// The words with one bit set.
struct Bits {
    Word word[BLOCK];
    constexpr Bits() : word() {
        for (size_t q = 0; q < BLOCK; ++q) word[q] = Word(1) << q;
    }
};
inline constexpr Bits BITS;

/// The sum of the words of all set bits; table[256 i + byte] has the sum for byte i.
PUISEUX_INLINE Word word_sum(const Word* table, Word bits) {
    // most blocks have few neurons: whether a later half is needed at all can be foreseen
    Word total = table[bits & 255] + table[256 + ((bits >> 8) & 255)];
    bits >>= 16;
    if (bits) {
        total += table[512 + (bits & 255)] + table[768 + ((bits >> 8) & 255)];
        bits >>= 16;
        if (bits) {
            total += table[1024 + (bits & 255)] + table[1280 + ((bits >> 8) & 255)];
            total += table[1536 + ((bits >> 16) & 255)] + table[1792 + (bits >> 24)];
        }
    }
    return total;
}

/// The table of `word_sum` for up to 64 words; comes as zeros.
inline void fill_word_table(Line<const Word> words, Word* table) {
    for (size_t k = 0; k < words.size; ++k) {
        Word* part = table + 256 * (k / 8);
        const size_t bit = size_t(1) << (k % 8);
        for (size_t byte = bit; byte < 2 * bit; ++byte) part[byte] = part[byte - bit] + words[k];
    }
}

/// Puts an edge into the bucket of the first neuron that cuts it.
PUISEUX_INLINE void put(size_t edge, Word cut, const Buckets& buckets, Block& block) {
    const size_t k = size_t(std::countr_zero(cut));
    Number at = buckets.next[k];
    if (!(at & CHUNK)) {
        Number chunk = block.free;
        if (chunk >= 0)
            block.free = buckets.pool[size_t(chunk)][0];
        else
            chunk = block.fresh++;
        buckets.pool[size_t(chunk)][0] = -1;
        if (buckets.head[k] < 0) {
            buckets.head[k] = chunk;
        } else {
            buckets.pool[size_t(at / (CHUNK + 1) - 1)][0] = std::int32_t(chunk);
            buckets.size[k] += CHUNK;
        }
        at = chunk * (CHUNK + 1) + 1;
    }
    buckets.pool.data[at] = std::int32_t(edge);
    buckets.next[k] = at + 1;
}

/// Edges that a neuron cuts, until they are put into buckets: most edges are not cut, which can't be foreseen of any one.
template <size_t Room>
struct Chosen {
    struct {
        Word cut;
        std::int32_t edge;
    } list[Room];
    size_t count = 0;

    PUISEUX_INLINE void add(size_t edge, Word cut) {
        list[count] = {cut, std::int32_t(edge)};
        count += cut != 0;
    }
    PUISEUX_INLINE void put_all(const Buckets& buckets, Block& block) {
        for (size_t q = 0; q < count; ++q) put(size_t(list[q].edge), list[q].cut, buckets, block);
        count = 0;
    }
};

}  // namespace puiseux::edges
