// Which residues of a list occur more than once: a hash table of places with linear probing.
//
// Source: Knuth, volume 3, section 6.4, algorithm L.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace puiseux::cells {

/// Set `mask`, which is zero, to 1 where a residue occurs more than once; returns how many are not the first of their kind.
inline std::int64_t mark_repeats(const std::uint64_t* residues, std::size_t count, std::uint8_t* mask) {
    const std::size_t slots = std::bit_ceil(2 * count + 1);
    const int shift = 64 - std::countr_zero(slots);
    constexpr std::size_t AHEAD = 16;  // so many residues before one is needed its slot is loaded
    std::vector<std::uint32_t> first(slots, 0);  // the place of a residue plus one, 0 for an empty slot
    const auto home = [&](std::size_t k) { return std::size_t(residues[k] * 0x9E3779B97F4A7C15u >> shift); };
    std::int64_t repeats = 0;
    for (std::size_t k = 0; k < count; ++k) {
#if defined(__GNUC__)
        if (k + AHEAD < count) __builtin_prefetch(&first[home(k + AHEAD)], 1);
#endif
        std::size_t slot = home(k);
        while (first[slot] && residues[first[slot] - 1] != residues[k]) slot = (slot + 1) & (slots - 1);
        if (first[slot]) ++repeats, mask[k] = mask[first[slot] - 1] = 1;
        else first[slot] = std::uint32_t(k + 1);
    }
    return repeats;
}

}  // namespace puiseux::cells
