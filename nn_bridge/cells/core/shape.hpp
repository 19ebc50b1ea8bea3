// How a generator lies in memory: one row of 64-bit words; and the stack that rows live on.
//
// A generator is a vertex (w > 0) or a ray (w = 0) of a cell in homogeneous coordinates.  Its row holds
//
//     x_0 .. x_N      doubles, the largest in size in [1/2, 1], w last at place N; places n .. N - 1 are zero where the
//                     input has n < N coordinates (with whole numbers: any whole numbers below 2^53 and error 0)
//     error           a double: a positive multiple of the true vector differs by at most this in each coordinate
//     facets          the facet slots of its cell that it lies on; slot 0 is infinity, so rays are those that have it
//     positive        units of the current stage that are certainly positive there
//     negative        .. certainly negative; all others are certainly zero
//     zeros           where faces are wanted: units of finished stages, and walls, that vanish there
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "units.hpp"

namespace puiseux::cells {

/// Offsets in a row.  N coordinates beside w and W words a set, either at compile time or (DYNAMIC) at run time.
template <int N_, int W_>
class Shape {
public:
    static constexpr int N = N_, W = W_;
    using Set = Units<W>;

    Shape(int dim, int words, int facet_words, int zero_words)
        : dim_(dim), words_(words), facet_words_(facet_words), zero_words_(zero_words), stride_(fixed() + zero_words) {}

    /// The same rows for code that is compiled once, for all shapes.
    Shape<DYNAMIC, DYNAMIC> any() const { return {last(), words(), facet_words(), zero_words_}; }

    int dim() const { return dim_; }
    int last() const {  // the place of w
        if constexpr (N != DYNAMIC) return N;
        else return dim_;
    }
    int words() const {
        if constexpr (W != DYNAMIC) return W;
        else return words_;
    }
    int facet_words() const {
        if constexpr (W != DYNAMIC) return W;
        else return facet_words_;
    }
    int zero_words() const { return zero_words_; }
    int stride() const { return stride_; }

    double* x(Word* g) const { return reinterpret_cast<double*>(g); }
    const double* x(const Word* g) const { return reinterpret_cast<const double*>(g); }
    double& error(Word* g) const { return x(g)[last() + 1]; }
    Word* facets(Word* g) const { return g + last() + 2; }
    Word* positive(Word* g) const { return g + last() + 2 + facet_words(); }
    Word* negative(Word* g) const { return g + last() + 2 + facet_words() + words(); }
    Word* zeros(Word* g) const { return g + fixed(); }

    bool is_ray(Word* g) const { return facets(g)[0] & 1; }
    /// The certain sign of a unit.
    int side(Word* g, int unit) const {
        const int q = unit >> 6, s = unit & 63;
        return int(positive(g)[q] >> s & 1) - int(negative(g)[q] >> s & 1);
    }
    Set positives(Word* g) const { return Set(positive(g), words()); }
    Set negatives(Word* g) const { return Set(negative(g), words()); }
    Units<W> facet_set(Word* g) const { return Units<W>(facets(g), facet_words()); }
    Set none() const { return Set(words()); }

    void copy(Word* to, const Word* from) const {
        if constexpr (N != DYNAMIC && W != DYNAMIC) {
            constexpr int FIXED = N + 2 + 3 * W;
            std::memcpy(to, from, sizeof(Word) * FIXED);
            for (int q = FIXED; q < FIXED + zero_words_; ++q) to[q] = from[q];  // few: a call would take longer
        } else {
            std::memcpy(to, from, sizeof(Word) * size_t(stride_));
        }
    }
    /// The generator now lies on a unit's zero set, which is the facet `slot`.
    void touch(Word* g, int unit, int slot) const {
        positive(g)[unit >> 6] &= ~bit(unit), negative(g)[unit >> 6] &= ~bit(unit);
        facets(g)[slot >> 6] |= bit(slot);
    }

private:
    int dim_, words_, facet_words_, zero_words_, stride_;

    int fixed() const { return last() + 2 + facet_words() + 2 * words(); }
};

/// A number that brings the largest coordinate into [1/2, 1).
inline double scale_of(double top) {
    const auto bits = std::bit_cast<std::uint64_t>(top) & 0x7ff0000000000000u;
    return top > 1e-250 ? std::bit_cast<double>(0x7fd0000000000000u - bits) : 1.0;
}

/// The shape of rows for code that is compiled once, for all shapes; places beyond the input's coordinates count as some.
using AnyShape = Shape<DYNAMIC, DYNAMIC>;

/// A cell is its generators, side by side.
struct Cell {
    Word* first;
    int count, stride;

    Word* operator[](int t) const { return first + std::ptrdiff_t(t) * stride; }
    struct Iterator {
        Word* at;
        int stride;
        Word* operator*() const { return at; }
        void operator++() { at += stride; }
        bool operator!=(const Iterator& o) const { return at != o.at; }
    };
    Iterator begin() const { return {first, stride}; }
    Iterator end() const { return {(*this)[count], stride}; }
};

/// Storage would grow beyond what was allowed.
struct NoRoom : std::bad_alloc {
    const char* what() const noexcept override { return "a cell needs more memory than is allowed"; }
};

/// A stack of words in blocks that never move.
class Arena {
public:
    struct Mark {
        size_t block, used;
    };
    /// Takes back, at the end of a scope, what was taken in it.
    class Scope {
    public:
        explicit Scope(Arena& arena) : arena_(arena), mark_{arena.block_, arena.used_} {}
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;
        ~Scope() { arena_.block_ = mark_.block, arena_.used_ = mark_.used; }

    private:
        Arena& arena_;
        Mark mark_;
    };

    size_t room = ~size_t{0};  // bytes by which it may still grow

    Word* take(size_t count) {
        while (true) {
            if (block_ == blocks_.size()) grow(count);
            if (used_ + count <= blocks_[block_].size) break;
            ++block_, used_ = 0;
        }
        Word* at = blocks_[block_].data.get() + used_;
        used_ += count;
        return at;
    }
    /// Give back the end of what was taken last.
    void shrink(Word* end) { used_ = size_t(end - blocks_[block_].data.get()); }
    size_t bytes() const {
        size_t total = 0;
        for (const Block& b : blocks_) total += 8 * b.size;
        return total;
    }

private:
    struct Block {
        std::unique_ptr<Word[]> data;
        size_t size;
    };
    std::vector<Block> blocks_;
    size_t block_ = 0, used_ = 0;

    void grow(size_t count) {
        const size_t size = std::max(count, size_t{1} << (13 + std::min<size_t>(blocks_.size(), 10)));
        if (8 * size > room) throw NoRoom();
        blocks_.push_back({std::make_unique_for_overwrite<Word[]>(size), size});
        room -= 8 * size;
    }
};

}  // namespace puiseux::cells
