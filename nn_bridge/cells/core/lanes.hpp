// Doubles side by side, four at a time: the few vector operations that the engine's loops are written in.
//
// They are the compiler's own vectors: two instructions each on any x86-64 or arm64 machine, and one where a loop is
// compiled for AVX2 (targets.hpp).  Each lane is computed as a number alone would be, so all machines give the same bits.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "targets.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"  // vectors are passed to functions that are always inlined only
#endif

namespace puiseux::cells {

constexpr int LANES = 4;
using Vec = double __attribute__((vector_size(8 * LANES)));
using Mask = std::int64_t __attribute__((vector_size(8 * LANES)));

PUISEUX_INLINE Vec load(const double* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
PUISEUX_INLINE void store(double* p, const Vec& v) { std::memcpy(p, &v, sizeof v); }
PUISEUX_INLINE Vec all(double x) {
    const Vec v{x};
    return __builtin_shufflevector(v, v, 0, 0, 0, 0);  // one instruction where there is one; g++ takes Vec{x, x, x, x} apart
}
PUISEUX_INLINE Mask all_lanes(bool yes) {
    const std::int64_t x = -std::int64_t(yes);
    return Mask{x, x, x, x};
}
PUISEUX_INLINE Vec absolute(const Vec& v) { return Vec(Mask(v) & std::int64_t(0x7fffffffffffffff)); }
/// By lane: a where the mask is set, else b.
PUISEUX_INLINE Vec chosen(const Mask& m, const Vec& a, const Vec& b) { return Vec((m & Mask(a)) | (~m & Mask(b))); }
/// The sign bits of the lanes.
PUISEUX_INLINE unsigned lanes_of(const Mask& m) {
#if defined(__SSE2__)
    const auto low = __builtin_shufflevector(m, m, 0, 1), high = __builtin_shufflevector(m, m, 2, 3);
    return unsigned(_mm_movemask_ps(_mm_shuffle_ps(__m128(low), __m128(high), 0xdd)));  // of the upper halves, side by side
#else
    unsigned out = 0;
    for (int i = 0; i < LANES; ++i) out |= unsigned(std::uint64_t(m[i]) >> 63) << i;
    return out;
#endif
}
inline int padded_to_lanes(int units) { return (units + LANES - 1) / LANES * LANES; }

}  // namespace puiseux::cells
