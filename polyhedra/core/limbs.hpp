// Natural numbers of any length as 64-bit digits ("limbs"), least first, without leading zeros; zero has no limbs.
//
// Sources: Knuth, The Art of Computer Programming, volume 2, section 4.3.1 (algorithms A, S, M, D); Jebelean, "An
// algorithm for exact division", 1993.  Products of two limbs use a 128-bit type where the compiler has one, else four
// products of halves.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

namespace puiseux::limbs {

using Limb = std::uint64_t;
using View = std::span<const Limb>;

/// A vector of limbs that needs no memory of its own while it is short.
class Limbs {
public:
    Limbs() = default;
    explicit Limbs(std::size_t size) { resize(size); }
    Limbs(std::initializer_list<Limb> values) : Limbs(View(values.begin(), values.size())) {}
    explicit Limbs(View values) {
        reserve(values.size());
        std::copy(values.begin(), values.end(), data_);
        size_ = values.size();
    }
    Limbs(const Limbs& other) : Limbs(View(other)) {}
    Limbs(Limbs&& other) noexcept { take(other); }
    Limbs& operator=(const Limbs& other) {
        if (this != &other) {
            size_ = 0;
            reserve(other.size_);
            std::copy(other.begin(), other.end(), data_);
            size_ = other.size_;
        }
        return *this;
    }
    Limbs& operator=(Limbs&& other) noexcept {
        if (this != &other) {
            free();
            take(other);
        }
        return *this;
    }
    ~Limbs() { free(); }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    Limb* begin() { return data_; }
    Limb* end() { return data_ + size_; }
    const Limb* begin() const { return data_; }
    const Limb* end() const { return data_ + size_; }
    Limb& operator[](std::size_t i) { return data_[i]; }
    Limb operator[](std::size_t i) const { return data_[i]; }
    Limb back() const { return data_[size_ - 1]; }
    operator View() const { return {data_, size_}; }
    void clear() { size_ = 0; }
    void pop_back() { --size_; }
    void push_back(Limb limb) {
        reserve(size_ + 1);
        data_[size_++] = limb;
    }
    /// New limbs are zero.
    void resize(std::size_t size) {
        reserve(size);
        if (size > size_) std::fill(data_ + size_, data_ + size, Limb{0});
        size_ = size;
    }
    friend bool operator==(const Limbs& a, const Limbs& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

private:
    static constexpr std::size_t INSIDE = 5;
    Limb* data_ = inside_;
    std::size_t size_ = 0, room_ = INSIDE;
    Limb inside_[INSIDE];

    void free() {
        if (data_ != inside_) delete[] data_;
    }
    void take(Limbs& other) noexcept {
        size_ = other.size_, room_ = other.room_;
        if (other.data_ == other.inside_) {
            data_ = inside_;
            std::copy(other.begin(), other.end(), data_);
        } else {
            data_ = std::exchange(other.data_, other.inside_);
        }
        other.size_ = 0, other.room_ = INSIDE;
    }
    void reserve(std::size_t room) {
        if (room <= room_) return;
        room = std::max(room, 2 * room_);
        Limb* longer = new Limb[room];
        std::copy(begin(), end(), longer);
        free();
        data_ = longer, room_ = room;
    }
};

#if defined(__SIZEOF_INT128__) && !defined(PUISEUX_NO_INT128)
__extension__ typedef unsigned __int128 Wide;

/// a * b + c + d: the low limb, and the high one in `high`; it cannot overflow.
inline Limb multiply_add(Limb a, Limb b, Limb c, Limb d, Limb& high) {
    const Wide sum = Wide{a} * b + c + d;
    high = Limb(sum >> 64);
    return Limb(sum);
}

/// (high, low) / d for high < d.
inline Limb divide_two(Limb high, Limb low, Limb d, Limb& rest) {
    const Wide n = Wide{high} << 64 | low;
    rest = Limb(n % d);
    return Limb(n / d);
}
#else
inline Limb multiply_add(Limb a, Limb b, Limb c, Limb d, Limb& high) {
    constexpr Limb HALF = 0xffffffff;
    const Limb a0 = a & HALF, a1 = a >> 32, b0 = b & HALF, b1 = b >> 32;
    const Limb low = a0 * b0, cross = a1 * b0 + (low >> 32), middle = a0 * b1 + (cross & HALF);
    high = a1 * b1 + (cross >> 32) + (middle >> 32);
    Limb sum = middle << 32 | (low & HALF);
    sum += c, high += sum < c;
    sum += d, high += sum < d;
    return sum;
}

inline Limb divide_two(Limb high, Limb low, Limb d, Limb& rest) {
    Limb q = 0;
    for (int bit = 0; bit < 64; ++bit) {  // one bit at a time; the compilers that come here are few
        const bool carry = high >> 63;
        high = high << 1 | low >> 63, low <<= 1, q <<= 1;
        if (carry || high >= d) high -= d, q |= 1;
    }
    rest = high;
    return q;
}
#endif

inline void trim(Limbs& a) {
    while (!a.empty() && a.back() == 0) a.pop_back();
}

inline std::size_t bit_length(View a) { return a.empty() ? 0 : 64 * a.size() - std::size_t(std::countl_zero(a.back())); }

/// The number of zero bits at the low end; 0 for zero.
inline std::size_t trailing_zeros(View a) {
    std::size_t i = 0;
    while (i < a.size() && a[i] == 0) ++i;
    return i == a.size() ? 0 : 64 * i + std::size_t(std::countr_zero(a[i]));
}

/// -1, 0 or 1 as a < b, a = b, a > b.
inline int compare(View a, View b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    for (std::size_t i = a.size(); i-- > 0;)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/// a[at..] += b; `a` is long enough for b; returns the carry that leaves a.
inline Limb add_at(Limbs& a, std::size_t at, View b) {
    Limb carry = 0;
    for (std::size_t i = 0; i < b.size() || (carry && at + i < a.size()); ++i) {
        const Limb addend = i < b.size() ? b[i] : 0, sum = a[at + i] + addend, total = sum + carry;
        carry = Limb{sum < addend} | Limb{total < sum};
        a[at + i] = total;
    }
    return carry;
}

/// a += b.  The two must not share memory.
inline void add(Limbs& a, View b) {
    if (a.size() < b.size()) a.resize(b.size());
    if (const Limb carry = add_at(a, 0, b)) a.push_back(carry);
}

/// a = |a - b|; returns the sign of a - b.  The two must not share memory.
inline int subtract(Limbs& a, View b) {
    const int sign = compare(a, b);
    a.resize(std::max(a.size(), b.size()));
    Limb borrow = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const Limb other = i < b.size() ? b[i] : 0, x = sign < 0 ? other : a[i], y = sign < 0 ? a[i] : other;
        const Limb difference = x - y;
        a[i] = difference - borrow;
        borrow = Limb{x < y} | Limb{difference < borrow};
    }
    trim(a);
    return sign;
}

inline Limbs multiply(View a, View b) {
    if (a.empty() || b.empty()) return {};
    Limbs out(a.size() + b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        Limb carry = 0;
        for (std::size_t j = 0; j < b.size(); ++j) out[i + j] = multiply_add(a[i], b[j], out[i + j], carry, carry);
        out[i + b.size()] = carry;
    }
    trim(out);
    return out;
}

inline Limbs shift_left(View a, std::size_t bits) {
    if (a.empty()) return {};
    const std::size_t whole = bits / 64, part = bits % 64;
    Limbs out(a.size() + whole + 1);
    for (std::size_t i = 0; i < a.size(); ++i) {
        out[i + whole] |= a[i] << part;
        if (part) out[i + whole + 1] = a[i] >> (64 - part);
    }
    trim(out);
    return out;
}

/// The bits below are dropped.
inline Limbs shift_right(View a, std::size_t bits) {
    const std::size_t whole = bits / 64, part = bits % 64;
    if (whole >= a.size()) return {};
    Limbs out(a.subspan(whole));
    for (std::size_t i = 0; part && i < out.size(); ++i)
        out[i] = out[i] >> part | (i + 1 < out.size() ? out[i + 1] << (64 - part) : 0);
    trim(out);
    return out;
}

/// a[at..] -= q * b on the limbs below `end`; returns the borrow that leaves them.
inline Limb subtract_product(Limbs& a, std::size_t at, std::size_t end, View b, Limb q) {
    Limb carry = 0;
    for (std::size_t i = 0; at + i < end; ++i) {
        if (i >= b.size() && carry == 0) return 0;
        Limb high = 0;
        const Limb low = i < b.size() ? multiply_add(q, b[i], carry, 0, high) : carry;
        const Limb old = a[at + i];
        a[at + i] = old - low;
        carry = high + (old < low);
    }
    return carry;
}

/// a = a / d for one limb d; returns the remainder.
inline Limb divide_by_limb(Limbs& a, Limb d) {
    Limb rest = 0;
    for (std::size_t i = a.size(); i-- > 0;) a[i] = divide_two(rest, a[i], d, rest);
    trim(a);
    return rest;
}

/// The quotient of a by b > 0, rounded down; `a` becomes the remainder (Knuth's algorithm D).
inline Limbs divide(Limbs& a, View b) {
    if (compare(a, b) < 0) return {};
    if (b.size() == 1) {
        Limbs quotient = std::move(a);
        const Limb rest = divide_by_limb(quotient, b[0]);
        a = Limbs{rest};
        trim(a);
        return quotient;
    }
    const std::size_t shift = std::size_t(std::countl_zero(b.back())), n = b.size();
    const Limbs v = shift_left(b, shift);
    Limbs u = shift_left(a, shift);
    u.resize(a.size() + 1);
    Limbs quotient(u.size() - n);
    for (std::size_t j = quotient.size(); j-- > 0;) {
        Limb q = ~Limb{0}, rest = 0;
        if (u[j + n] < v[n - 1]) {
            q = divide_two(u[j + n], u[j + n - 1], v[n - 1], rest);
            for (;;) {  // the second limb of b corrects the estimate, at most twice
                Limb high = 0;
                const Limb low = multiply_add(q, v[n - 2], 0, 0, high);
                if (high < rest || (high == rest && low <= u[j + n - 2])) break;
                --q, rest += v[n - 1];
                if (rest < v[n - 1]) break;
            }
        }
        Limb borrow = subtract_product(u, j, j + n + 1, v, q);
        for (; borrow; --q) {
            Limb carry = 0;
            for (std::size_t i = 0; i <= n; ++i) {
                const Limb addend = i < n ? v[i] : 0, sum = u[j + i] + addend, total = sum + carry;
                carry = Limb{sum < addend} | Limb{total < sum};
                u[j + i] = total;
            }
            borrow -= carry;
        }
        quotient[j] = q;
    }
    trim(u), trim(quotient);
    a = shift_right(u, shift);
    return quotient;
}

/// The quotient of a by b > 0 where b divides a: computed from the low end, without division (Jebelean).
inline Limbs exact_quotient(View a, View b) {
    if (a.empty()) return {};
    const std::size_t zeros = trailing_zeros(b);
    Limbs dividend = shift_right(a, zeros);
    const Limbs divisor = shift_right(b, zeros);
    Limb inverse = divisor[0] * 3 ^ 2;  // right modulo 2^5; each step of Newton doubles the bits
    for (int bits = 5; bits < 64; bits *= 2) inverse *= 2 - divisor[0] * inverse;
    Limbs quotient(dividend.size() - divisor.size() + 1);
    for (std::size_t i = 0; i < quotient.size(); ++i) {
        quotient[i] = dividend[i] * inverse;
        subtract_product(dividend, i, quotient.size(), divisor, quotient[i]);
    }
    trim(quotient);
    return quotient;
}

}  // namespace puiseux::limbs
