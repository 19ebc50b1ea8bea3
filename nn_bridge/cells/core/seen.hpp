// Residues of maps that have been met: certainly not, or perhaps.
//
// A cell is joined to earlier ones of its map, so one whose residues are new needs no neighbours.  A bit for each residue, by a
// hash, tells most of these; two residues with one bit cost time and change nothing.  Where the set of bits grows, a bit becomes
// all those whose places begin with its own: what was noted stays so, and a residue is looked for in one place.
// Source: Bloom 1970, with one hash.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "spares.hpp"

namespace puiseux::cells {

class SeenResidues {
public:
    SeenResidues() = default;
    SeenResidues(const SeenResidues&) = delete;
    SeenResidues& operator=(const SeenResidues&) = delete;
    ~SeenResidues() { Spares<std::vector<std::uint64_t>>::give(std::move(bits_)); }

    /// Whether much is known, so that it pays to load what is asked for soon.
    bool is_large() const { return size_ == SIZES.back(); }
    /// Load what is known of a residue.
    void expect([[maybe_unused]] std::uint64_t residue) const {
#if defined(__GNUC__)
        __builtin_prefetch(&bits_[hash_of(residue) >> (70 - size_)], 1);
#endif
    }
    /// Note a residue; whether it may have been noted before.
    bool meet(std::uint64_t residue) {
        if (left_ == 0) grow();
        const std::uint64_t hash = hash_of(residue);
        std::uint64_t& word = bits_[hash >> (70 - size_)];
        const std::uint64_t place = hash >> (64 - size_) & 63, before = word >> place & 1;
        word |= std::uint64_t{1} << place;
        left_ -= std::int64_t(!before);
        return before;
    }

private:
    static std::uint64_t hash_of(std::uint64_t residue) { return residue * 0x9E3779B97F4A7C15u; }

    static constexpr std::array<int, 3> SIZES = {17, 20, 22};  // the bits of a place, one after another; a bit becomes 64 at most
    std::vector<std::uint64_t> bits_;
    int size_ = 0;                      // 0: nothing has been met
    std::int64_t left_ = 0;             // so many residues before it grows

    void grow() {
        std::size_t next = 0;
        while (next < SIZES.size() && SIZES[next] <= size_) ++next;
        const std::size_t words = std::size_t{1} << (SIZES[next] - 6);
        std::vector<std::uint64_t> larger;
        Spares<std::vector<std::uint64_t>>::reserve(larger, words);
        larger.assign(words, 0);
        const int more = SIZES[next] - size_;
        for (std::size_t q = 0; q < bits_.size(); ++q)
            for (std::uint64_t set = bits_[q]; set; set &= set - 1) {
                const std::size_t place = (64 * q + std::size_t(std::countr_zero(set))) << more;
                larger[place / 64] |= (~std::uint64_t{0} >> (64 - (1 << more))) << (place % 64);
            }
        bits_.swap(larger);
        Spares<std::vector<std::uint64_t>>::give(std::move(larger));
        size_ = SIZES[next];
        // the last set never grows: where all its bits are set, every residue may have been met
        left_ = next + 1 == SIZES.size() ? std::numeric_limits<std::int64_t>::max() : std::int64_t(next ? words * 8 : words * 2);
    }
};

}  // namespace puiseux::cells
