// Residues of maps that have been met: certainly not, or perhaps.
//
// A cell is joined to earlier ones of its map, so one whose residues are new needs no neighbours.  A bit for each residue, by a
// hash, tells most of these; two residues with one bit cost time and change nothing.  There are several sets of bits, each
// for more residues than the one before.
// Source: Bloom 1970, with one hash; Almeida et al. 2007 for filters that grow.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace puiseux::cells {

class SeenResidues {
public:
    /// Whether a residue may have been noted.
    bool has(std::uint64_t residue) const {
        const std::uint64_t hash = residue * 0x9E3779B97F4A7C15u;
        for (std::size_t set = 0; set < used_; ++set)
            if (bits_[set][hash >> (70 - SIZES[set])] >> (hash >> (64 - SIZES[set]) & 63) & 1) return true;
        return false;
    }
    void note(std::uint64_t residue) {
        if (left_ == 0) begin_set();
        const std::uint64_t hash = residue * 0x9E3779B97F4A7C15u;
        std::uint64_t& word = bits_[used_ - 1][hash >> (70 - SIZES[used_ - 1])];
        const std::uint64_t own = std::uint64_t{1} << (hash >> (64 - SIZES[used_ - 1]) & 63);
        left_ -= !(word & own);
        word |= own;
    }

private:
    static constexpr std::array<int, 3> SIZES = {17, 20, 22};  // the bits of a place
    std::array<std::vector<std::uint64_t>, SIZES.size()> bits_;
    std::size_t used_ = 0;
    std::int64_t left_ = 0;             // so many bits before the next set

    void begin_set() {
        const std::size_t places = std::size_t{1} << SIZES[used_];
        bits_[used_++].resize(places / 64);
        left_ = std::int64_t(used_ == SIZES.size() ? places : places / 32);
    }
};

}  // namespace puiseux::cells
