// Sets of units as words of 64 bits, and the few vector instructions that the engine is written in.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace puiseux::cells {

using Word = std::uint64_t;
constexpr int DYNAMIC = 0;  // a number of words, or of coordinates, that is known at run time only

inline Word bit(int j) { return Word{1} << (j & 63); }
inline int words_for(int bits) { return std::max(1, (bits + 63) / 64); }

/// W words; with W = DYNAMIC as many as are asked for, the first few without memory of their own.
template <int W>
class WordArray {
public:
    explicit WordArray(int) {}
    static constexpr int words() { return W; }
    Word* data() { return word_.data(); }
    const Word* data() const { return word_.data(); }

private:
    std::array<Word, W> word_{};
};

template <>
class WordArray<DYNAMIC> {
public:
    explicit WordArray(int words) : words_(words), many_(words > INLINE ? words : 0) {}
    int words() const { return words_; }
    Word* data() { return words_ > INLINE ? many_.data() : few_.data(); }
    const Word* data() const { return words_ > INLINE ? many_.data() : few_.data(); }

private:
    static constexpr int INLINE = 8;
    int words_;
    std::array<Word, INLINE> few_{};
    std::vector<Word> many_;
};

/// A set of units, or of facets.
template <int W>
class Units : public WordArray<W> {
public:
    explicit Units(int words) : WordArray<W>(words) {}
    Units(const Word* from, int words) : WordArray<W>(words) {
        for (int q = 0; q < this->words(); ++q) (*this)[q] = from[q];
    }

    Word& operator[](int q) { return this->data()[q]; }
    Word operator[](int q) const { return this->data()[q]; }
    bool has(int j) const { return (*this)[j >> 6] >> (j & 63) & 1; }
    void add(int j) { (*this)[j >> 6] |= bit(j); }
    void drop(int j) { (*this)[j >> 6] &= ~bit(j); }
    void store(Word* to) const {
        for (int q = 0; q < this->words(); ++q) to[q] = (*this)[q];
    }

    bool any() const {
        Word w = 0;
        for (int q = 0; q < this->words(); ++q) w |= (*this)[q];
        return w != 0;
    }
    int count() const {
        int total = 0;
        for (int q = 0; q < this->words(); ++q) total += std::popcount((*this)[q]);
        return total;
    }
    /// The first member of a set that has one.
    int first() const {
        int q = 0;
        while (!(*this)[q]) ++q;
        return 64 * q + std::countr_zero((*this)[q]);
    }
    /// Call f with every member, in order.
    template <class F>
    void each(F&& f) const {
        for (int q = 0; q < this->words(); ++q)
            for (Word w = (*this)[q]; w; w &= w - 1) f(64 * q + std::countr_zero(w));
    }

    Units& operator&=(const Units& o) { return change(o, [](Word a, Word b) { return a & b; }); }
    Units& operator|=(const Units& o) { return change(o, [](Word a, Word b) { return a | b; }); }
    Units& operator^=(const Units& o) { return change(o, [](Word a, Word b) { return a ^ b; }); }
    Units& operator-=(const Units& o) { return change(o, [](Word a, Word b) { return a & ~b; }); }
    friend Units operator&(Units a, const Units& b) { return a &= b; }
    friend Units operator|(Units a, const Units& b) { return a |= b; }
    friend Units operator^(Units a, const Units& b) { return a ^= b; }
    friend Units operator-(Units a, const Units& b) { return a -= b; }
    friend bool operator==(const Units& a, const Units& b) {
        for (int q = 0; q < a.words(); ++q)
            if (a[q] != b[q]) return false;
        return true;
    }

private:
    template <class F>
    Units& change(const Units& o, F f) {
        for (int q = 0; q < this->words(); ++q) (*this)[q] = f((*this)[q], o[q]);
        return *this;
    }
};

/// The members of a small `mask` that `set` has, as the bits of a number, in order.
template <int W>
inline unsigned gathered(const Units<W>& set, const Units<W>& mask) {
    unsigned out = 0;
    int at = 0;
    for (int q = 0; q < mask.words(); ++q)
        for (Word w = mask[q], s = set[q]; w; w &= w - 1) out |= unsigned((s & (w & -w)) != 0) << at++;
    return out;
}

// Doubles side by side: two, or four where the compiler may use AVX.
#if defined(__AVX__)
constexpr int LANES = 4;
#else
constexpr int LANES = 2;
#endif
using Vec = double __attribute__((vector_size(8 * LANES)));
using Mask = std::int64_t __attribute__((vector_size(8 * LANES)));

inline Vec load(const double* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline void store(double* p, Vec v) { std::memcpy(p, &v, sizeof v); }
inline Vec all(double x) { return x - Vec{}; }
inline Vec absolute(Vec v) { return Vec(Mask(v) & std::int64_t(0x7fffffffffffffff)); }
/// The sign bits of the lanes.
inline unsigned lanes_of(Mask m) {
#if defined(__AVX__)
    return unsigned(_mm256_movemask_pd(__m256d(m)));
#elif defined(__SSE2__)
    return unsigned(_mm_movemask_pd(__m128d(m)));
#else
    unsigned out = 0;
    for (int i = 0; i < LANES; ++i) out |= unsigned(Word(m[i]) >> 63) << i;
    return out;
#endif
}
inline int padded_to_lanes(int units) { return (units + 3) / 4 * 4; }

}  // namespace puiseux::cells
