// Sets of units, or of facets, as words of 64 bits.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

namespace puiseux::cells {

using Word = std::uint64_t;
constexpr int DYNAMIC = 0;  // a number of words, or of coordinates, that is known at run time only

inline Word bit(int j) { return Word{1} << (j & 63); }
/// The number of bits of a word, without a call where the processor has no instruction for it.
/// Source: Warren, Hacker's Delight, 2012, section 5-1.
inline int bits_of(Word w) {
#if defined(__POPCNT__) || !defined(__x86_64__)
    return std::popcount(w);
#else
    w -= (w >> 1) & 0x5555555555555555u;
    w = (w & 0x3333333333333333u) + ((w >> 2) & 0x3333333333333333u);
    return int((((w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u) >> 56);
#endif
}
/// By bit: the numbers below 32 that have it, as a set of numbers.
constexpr Word WITH[] = {0xaaaaaaaa, 0xcccccccc, 0xf0f0f0f0, 0xff00ff00, 0xffff0000};
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
        for (int q = 0; q < this->words(); ++q) total += bits_of((*this)[q]);
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

/// Call f with every member of a set given as words, in order.
template <class F>
void each_member(const Word* set, int words, F&& f) {
    for (int q = 0; q < words; ++q)
        for (Word w = set[q]; w; w &= w - 1) f(64 * q + std::countr_zero(w));
}

constexpr int FEW = 5;  // units: their sign patterns are the bits of one word

/// The members of a set of at most MOST, as a list.
template <int MOST>
struct Members {
    int count = 0;
    std::array<int, MOST> at;

    template <int W>
    explicit Members(const Units<W>& set) {
        set.each([&](int j) { at[size_t(count++)] = j; });
    }
    /// Those of them that a set given as words has, as the bits of a number, in order.
    unsigned in(const Word* set) const {
        unsigned out = 0;
        for (int i = 0; i < count; ++i) out |= unsigned(set[at[size_t(i)] >> 6] >> (at[size_t(i)] & 63) & 1) << i;
        return out;
    }
};

}  // namespace puiseux::cells
