// Residues of maps that have been met: certainly not, or perhaps.
//
// A cell is joined to earlier ones of its map, so one whose residues are new needs no neighbours.  A bit for each residue, by a
// hash, tells most of these; two residues with one bit cost time and change nothing.
// Source: Bloom 1970, with one hash.
#pragma once
#include <cstdint>
#include <vector>

namespace puiseux::cells {

class SeenResidues {
public:
    /// Whether a residue may have been noted.
    bool has(std::uint64_t residue) const { return !bits_.empty() && (bits_[place(residue) >> 6] >> (place(residue) & 63) & 1); }
    void note(std::uint64_t residue) {
        if (bits_.empty()) bits_.resize(std::size_t{1} << (BITS - 6));
        bits_[place(residue) >> 6] |= std::uint64_t{1} << (place(residue) & 63);
    }

private:
    static constexpr int BITS = 22;
    std::vector<std::uint64_t> bits_;

    static std::uint64_t place(std::uint64_t residue) { return residue * 0x9E3779B97F4A7C15u >> (64 - BITS); }
};

}  // namespace puiseux::cells
