// Integer: signed whole numbers of any length.
//
// A value that fits in 64 bits is kept there, with overflow detected, and needs no memory of its own; only longer values
// have limbs (limbs.hpp).  Every value has one representation, so equality is equality of the parts.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "limbs.hpp"

namespace puiseux {

// The three operations on 64-bit numbers: false where the result does not fit.
#if defined(__GNUC__) && !defined(PUISEUX_NO_OVERFLOW_BUILTINS)
inline bool add_fits(std::int64_t a, std::int64_t b, std::int64_t& out) { return !__builtin_add_overflow(a, b, &out); }
inline bool subtract_fits(std::int64_t a, std::int64_t b, std::int64_t& out) { return !__builtin_sub_overflow(a, b, &out); }
inline bool multiply_fits(std::int64_t a, std::int64_t b, std::int64_t& out) { return !__builtin_mul_overflow(a, b, &out); }
#else
inline bool add_fits(std::int64_t a, std::int64_t b, std::int64_t& out) {
    out = std::int64_t(std::uint64_t(a) + std::uint64_t(b));
    return ((a ^ out) & (b ^ out)) >= 0;
}
inline bool subtract_fits(std::int64_t a, std::int64_t b, std::int64_t& out) {
    out = std::int64_t(std::uint64_t(a) - std::uint64_t(b));
    return ((a ^ b) & (a ^ out)) >= 0;
}
inline bool multiply_fits(std::int64_t a, std::int64_t b, std::int64_t& out) {
    const auto size = [](std::int64_t x) { return x < 0 ? 0 - std::uint64_t(x) : std::uint64_t(x); };
    limbs::Limb high = 0;
    const limbs::Limb low = limbs::multiply_add(size(a), size(b), 0, 0, high);
    const bool negative = (a < 0) != (b < 0);
    out = std::int64_t(negative ? 0 - low : low);
    return high == 0 && low <= (std::uint64_t{1} << 63) - !negative;
}
#endif

/// |x| is within error * 2^exponent of mantissa * 2^exponent, with 1/2 <= |mantissa| <= 1; all 0 for zero.
struct RoundedInteger {
    double mantissa = 0, error = 0;
    std::int64_t exponent = 0;
};

/// A double and a bound on its distance from the exact value: 0 if it is exact, infinity if the value is too large.
struct BoundedDouble {
    double value = 0, error = 0;
};

class Integer {
public:
    using Limb = limbs::Limb;
    using Limbs = limbs::Limbs;
    using View = limbs::View;

    Integer() = default;
    template <std::integral T>
        requires(sizeof(T) < 8 || (sizeof(T) == 8 && std::is_signed_v<T>))
    Integer(T value) : small_(value) {}

    /// The number with these limbs, least first.
    static Integer of_limbs(Limbs magnitude, bool negative) {
        Integer r;
        r.settle(std::move(magnitude), negative ? -1 : 1);
        return r;
    }

    /// x * 2^shift; std::domain_error unless it is an integer (x finite, and shift large enough).
    static Integer of_double(double x, std::int64_t shift = 0) {
        if (!std::isfinite(x)) throw std::domain_error("not a finite number");
        if (x == 0) return {};
        int e = 0;
        Integer r(std::int64_t(std::ldexp(std::frexp(x, &e), 53)));
        const std::int64_t places = e - 53 + shift;
        if (places >= 0) return r <<= std::size_t(places);
        if (std::size_t(-places) > r.trailing_zeros()) throw std::domain_error("not an integer");
        return r >>= std::size_t(-places);
    }

    /// The least s >= 0 for which x * 2^s is an integer.
    static std::int64_t fraction_bits(double x) {
        if (x == 0) return 0;
        int e = 0;
        const auto m = std::int64_t(std::ldexp(std::frexp(x, &e), 53));
        return std::max<std::int64_t>(0, 53 - e - std::countr_zero(std::uint64_t(m)));
    }

    /// Decimal, or hexadecimal after 0x; std::invalid_argument for anything else.
    static Integer of_text(std::string_view text) {
        const bool negative = text.starts_with('-');
        if (negative) text.remove_prefix(1);
        const Limb base = text.starts_with("0x") ? 16 : 10;
        if (base == 16) text.remove_prefix(2);
        if (text.empty()) throw std::invalid_argument("not an integer");
        Limbs magnitude;
        for (const char c : text) {
            const Limb digit = c >= '0' && c <= '9' ? Limb(c - '0') : c >= 'a' && c <= 'f' ? Limb(c - 'a' + 10) : 16;
            if (digit >= base) throw std::invalid_argument("not an integer");
            Limb carry = digit;
            for (Limb& limb : magnitude) limb = limbs::multiply_add(limb, base, carry, 0, carry);
            if (carry) magnitude.push_back(carry);
        }
        return of_limbs(std::move(magnitude), negative);
    }

    std::string text() const {
        constexpr Limb BILLIONS = 10'000'000'000'000'000'000u;  // the largest power of ten in a limb: 19 digits
        Limbs rest = magnitude();
        std::string digits;
        do {
            Limb part = limbs::divide_by_limb(rest, BILLIONS);
            for (int i = 0; i < 19 && (part || !rest.empty() || i == 0); ++i, part /= 10) digits += char('0' + part % 10);
        } while (!rest.empty());
        if (sign() < 0) digits += '-';
        return {digits.rbegin(), digits.rend()};
    }

    std::string hexadecimal() const {
        std::string out;
        const Limbs all = magnitude();
        for (const Limb limb : all)
            for (int i = 0; i < 64; i += 4) out += "0123456789abcdef"[limb >> i & 15];
        while (out.size() > 1 && out.back() == '0') out.pop_back();
        if (out.empty()) out = "0";
        out += sign() < 0 ? "x0-" : "x0";
        return {out.rbegin(), out.rend()};
    }

    /// The limbs of the absolute value, least first.
    Limbs magnitude() const {
        Limb room;
        return Limbs(view(room));
    }

    int sign() const { return (small_ > 0) - (small_ < 0); }
    bool is_zero() const { return small_ == 0; }
    bool fits_64() const { return limbs_.empty(); }
    /// The value, if it fits in 64 bits.
    std::int64_t small() const { return small_; }
    std::size_t bit_length() const {
        Limb room;
        return limbs::bit_length(view(room));
    }
    std::size_t trailing_zeros() const {
        Limb room;
        return limbs::trailing_zeros(view(room));
    }

    friend bool operator==(const Integer&, const Integer&) = default;
    friend std::strong_ordering operator<=>(const Integer& a, const Integer& b) {
        if (a.fits_64() && b.fits_64()) return a.small_ <=> b.small_;
        if (a.sign() != b.sign()) return a.sign() <=> b.sign();
        Limb one, two;
        return a.sign() * limbs::compare(a.view(one), b.view(two)) <=> 0;
    }

    Integer& negate() {
        if (fits_64() && small_ != std::numeric_limits<std::int64_t>::min()) small_ = -small_;
        else settle(release(), -sign());
        return *this;
    }
    Integer operator-() const { return Integer(*this).negate(); }
    friend Integer abs(Integer a) { return a.sign() < 0 ? std::move(a.negate()) : std::move(a); }

    Integer& operator+=(const Integer& b) {
        std::int64_t sum = 0;
        if (!fits_64() || !b.fits_64() || !add_fits(small_, b.small_, sum)) return accumulate(b, 1);
        small_ = sum;
        return *this;
    }
    Integer& operator-=(const Integer& b) {
        std::int64_t difference = 0;
        if (!fits_64() || !b.fits_64() || !subtract_fits(small_, b.small_, difference)) return accumulate(b, -1);
        small_ = difference;
        return *this;
    }
    Integer& operator*=(const Integer& b) { return *this = *this * b; }
    friend Integer operator+(Integer a, const Integer& b) { return std::move(a += b); }
    friend Integer operator-(Integer a, const Integer& b) { return std::move(a -= b); }
    friend Integer operator*(const Integer& a, const Integer& b) {
        Integer r;
        if (a.fits_64() && b.fits_64() && multiply_fits(a.small_, b.small_, r.small_)) return r;
        Limb one, two;
        r.settle(limbs::multiply(a.view(one), b.view(two)), a.sign() * b.sign());
        return r;
    }
    /// *this += a * b
    Integer& add_product(const Integer& a, const Integer& b) {
        std::int64_t p = 0;
        if (fits_64() && a.fits_64() && b.fits_64() && multiply_fits(a.small_, b.small_, p)) return *this += Integer(p);
        return *this += a * b;
    }

    Integer& operator<<=(std::size_t bits) {
        std::int64_t out = 0;
        if (is_zero() || bits == 0) return *this;
        if (fits_64() && bits < 62 && multiply_fits(small_, std::int64_t{1} << bits, out)) return *this = Integer(out);
        Limb room;
        settle(limbs::shift_left(view(room), bits), sign());
        return *this;
    }
    /// Rounds down, as in Python.
    Integer& operator>>=(std::size_t bits) {
        if (fits_64()) {
            small_ >>= std::min<std::size_t>(bits, 63);
            return *this;
        }
        const bool down = sign() < 0 && trailing_zeros() < bits;
        settle(limbs::shift_right(limbs_, bits), sign());
        return down ? *this -= 1 : *this;
    }
    friend Integer operator<<(Integer a, std::size_t bits) { return std::move(a <<= bits); }
    friend Integer operator>>(Integer a, std::size_t bits) { return std::move(a >>= bits); }

    /// Quotient rounded down and remainder with the sign of b, as Python's divmod; std::domain_error for b = 0.
    friend std::pair<Integer, Integer> divide(const Integer& a, const Integer& b) {
        if (b.is_zero()) throw std::domain_error("division by zero");
        std::pair<Integer, Integer> r;
        auto& [quotient, rest] = r;
        if (a.fits_64() && b.fits_64() && b.small_ != -1) {
            quotient.small_ = a.small_ / b.small_, rest.small_ = a.small_ % b.small_;
        } else {
            Limb room;
            Limbs left = a.magnitude();
            quotient.settle(limbs::divide(left, b.view(room)), a.sign() * b.sign());
            rest.settle(std::move(left), a.sign());
        }
        if (!rest.is_zero() && rest.sign() != b.sign()) quotient -= 1, rest += b;
        return r;
    }

    /// a / b where b is not zero and divides a.
    friend Integer exact_quotient(const Integer& a, const Integer& b) {
        if (a.fits_64() && b.fits_64() && b.small_ != -1) return a.small_ / b.small_;
        Integer r;
        Limb one, two;
        r.settle(limbs::exact_quotient(a.view(one), b.view(two)), a.sign() * b.sign());
        return r;
    }

    /// The greatest common divisor, never negative; of 0 and 0 it is 0.
    friend Integer gcd(Integer a, Integer b) {
        while (!b.is_zero() && !(a.fits_64() && b.fits_64())) a = std::exchange(b, divide(a, b).second);
        if (b.is_zero()) return abs(std::move(a));
        Limb one, two;
        const View x = a.view(one), y = b.view(two);
        const Limb r = std::gcd(x.empty() ? Limb{0} : x[0], y[0]);
        return r >> 63 ? of_limbs({r}, false) : Integer(std::int64_t(r));
    }

    /// The value rounded to the nearest 53 bits, ties to even, with the power of two apart.
    RoundedInteger rounded() const {
        if (is_zero()) return {};
        Limb room;
        const View v = view(room);
        const std::size_t length = limbs::bit_length(v);
        Limb top = v[0] << (64 - std::min<std::size_t>(length, 64));
        if (length > 64) {
            const Limbs high = limbs::shift_right(v, length - 64);
            top = high[0] | Limb{limbs::trailing_zeros(v) < length - 64};  // a last bit for all that lie below
        }
        const bool exact = length - limbs::trailing_zeros(v) <= 53;
        const double mantissa = std::ldexp(double(top), -64);
        return {sign() < 0 ? -mantissa : mantissa, exact ? 0 : std::ldexp(1.0, -54), std::int64_t(length)};
    }

    /// The nearest double, ties to even.
    BoundedDouble to_double() const {
        const RoundedInteger r = rounded();
        constexpr double INFINITE = std::numeric_limits<double>::infinity();
        if (r.exponent > 1024 || (r.exponent == 1024 && std::abs(r.mantissa) == 1))
            return {sign() < 0 ? -INFINITE : INFINITE, INFINITE};
        return {std::ldexp(r.mantissa, int(r.exponent)), std::ldexp(r.error, int(r.exponent))};
    }

private:
    std::int64_t small_ = 0;  // the value if there are no limbs, else its sign
    Limbs limbs_;             // the absolute value, only where the value does not fit in small_

    /// The absolute value; a small one lies in `room`.
    View view(Limb& room) const {
        if (!fits_64()) return limbs_;
        room = small_ < 0 ? 0 - Limb(small_) : Limb(small_);
        return {&room, room ? std::size_t{1} : std::size_t{0}};
    }

    /// The limbs of the absolute value, taken out.
    Limbs release() { return fits_64() ? magnitude() : std::move(limbs_); }

    /// Become sign * magnitude, in 64 bits if it fits.
    void settle(Limbs magnitude, int sign) {
        limbs::trim(magnitude);
        if (magnitude.size() > 1 || (magnitude.size() == 1 && magnitude[0] > (Limb{1} << 63) - Limb{sign > 0})) {
            small_ = sign, limbs_ = std::move(magnitude);
            return;
        }
        const Limb low = magnitude.empty() ? 0 : magnitude[0];
        small_ = std::int64_t(sign < 0 ? 0 - low : low);
        limbs_.clear();
    }

    /// *this += factor * b, for factor 1 or -1, through limbs.
    Integer& accumulate(const Integer& b, int factor) {
        if (&b == this) return factor > 0 ? *this <<= 1 : *this = Integer();
        Limb room;
        const View other = b.view(room);
        const int one = sign(), two = factor * b.sign();
        if (two == 0) return *this;
        Limbs sum = release();
        if (one == two || one == 0) {
            limbs::add(sum, other);
            settle(std::move(sum), two);
        } else {
            const int order = limbs::subtract(sum, other);
            settle(std::move(sum), order * one);
        }
        return *this;
    }
};

}  // namespace puiseux
