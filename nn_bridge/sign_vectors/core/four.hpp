// Four numbers at once.
//
// They are handed over by reference: how a function gets them by value depends on what the processor has.
#pragma once
#include <cstddef>
#include <cstring>

#include "targets.hpp"

namespace puiseux::edges {

#if defined(__GNUC__)
using Four = double __attribute__((vector_size(32)));
#else
struct Four {
    double v[4];
    double operator[](int i) const { return v[i]; }
    friend Four operator+(Four a, Four b) { return {a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}; }
    friend Four operator-(Four a, Four b) { return {a.v[0] - b.v[0], a.v[1] - b.v[1], a.v[2] - b.v[2], a.v[3] - b.v[3]}; }
    friend Four operator*(Four a, Four b) { return {a.v[0] * b.v[0], a.v[1] * b.v[1], a.v[2] * b.v[2], a.v[3] * b.v[3]}; }
};
#endif

PUISEUX_INLINE void load(const double* from, Four& to) { std::memcpy(&to, from, sizeof to); }
PUISEUX_INLINE void store(double* to, const Four& from) { std::memcpy(to, &from, sizeof from); }
PUISEUX_INLINE void spread(double number, Four& to) { to = Four{number, number, number, number}; }

/// Each number of a, or that of b where it is not less or a's is NaN.
PUISEUX_INLINE void lift(Four& a, const Four& b) {
#if defined(__GNUC__)
    a = a > b ? a : b;
#else
    for (int i = 0; i < 4; ++i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
#endif
}

}  // namespace puiseux::edges
