// Loops compiled twice: for every processor of the kind, and for those of 2013 and later (AVX2), chosen when called.
//
// One build serves every machine, yet rows are blended twice as fast four numbers at a time, and sets counted at once.  Multiplication and addition
// are never fused, so both versions give the same bits.  A body that is compiled twice is a type with a static function
// `run` marked PUISEUX_INLINE, as is all that it calls in its loops; `dispatch<Body>(...)` runs the right version.
#pragma once
#include <utility>

// PUISEUX_RARELY marks what runs so seldom that it is better small than fast: it takes less time to compile.
#if defined(_MSC_VER)
#define PUISEUX_INLINE __forceinline
#define PUISEUX_RARELY __declspec(noinline)
#else
#define PUISEUX_INLINE [[gnu::always_inline]] inline
#define PUISEUX_RARELY [[gnu::cold, gnu::noinline]]
#endif

namespace puiseux {

/// Asks for the memory at `place`, which will be read and written soon.
template <class T>
PUISEUX_INLINE void prefetch(const T* place) {
#if defined(__GNUC__)
    __builtin_prefetch(place);
#else
    (void)place;
#endif
}

#if defined(__GNUC__) && defined(__x86_64__)
inline bool wide_processor() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

template <class Body, class... Arguments>
__attribute__((target("avx2,bmi,bmi2,popcnt"))) auto run_wide(Arguments&... arguments) {
    return Body::run(arguments...);
}
#else
inline bool wide_processor() { return false; }

template <class Body, class... Arguments>
auto run_wide(Arguments&... arguments) {
    return Body::run(arguments...);
}
#endif

template <class Body, class... Arguments>
auto run_plain(Arguments&... arguments) {
    return Body::run(arguments...);
}

/// Whether the wider version runs; tests switch it off.
inline bool wide = wide_processor();

template <class Body, class... Arguments>
auto dispatch(Arguments&&... arguments) {
    return wide ? run_wide<Body>(arguments...) : run_plain<Body>(arguments...);
}

}  // namespace puiseux
