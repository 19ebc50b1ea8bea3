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
    ~SeenResidues() {
        for (auto& set : bits_) Spares<std::uint64_t>::give(std::move(set));
    }

    /// Whether much is known, so that it pays to load what is asked for soon.
    bool is_large() const { return used_ == SIZES.size(); }
    /// Load what is known of a residue, where much is known.
    void expect([[maybe_unused]] std::uint64_t residue) const {
#if defined(__GNUC__)
        __builtin_prefetch(&bits_[SIZES.size() - 1][hash_of(residue) >> (70 - SIZES.back())], 1);
#endif
    }
    /// Note a residue; whether it may have been noted before.
    bool meet(std::uint64_t residue) {
        if (left_ == 0) begin_set();
        const std::uint64_t hash = hash_of(residue);
        std::uint64_t found = 0;
        for (std::size_t set = 0; set + 1 < used_; ++set) found |= bits_[set][hash >> (70 - SIZES[set])] >> (hash >> (64 - SIZES[set]) & 63);
        const int size = SIZES[used_ - 1];
        std::uint64_t& word = bits_[used_ - 1][hash >> (70 - size)];
        const std::uint64_t place = hash >> (64 - size) & 63, before = word >> place;
        word |= std::uint64_t{1} << place;
        left_ -= std::int64_t(~before & 1);
        return (found | before) & 1;
    }

private:
    static std::uint64_t hash_of(std::uint64_t residue) { return residue * 0x9E3779B97F4A7C15u; }

    static constexpr std::array<int, 3> SIZES = {17, 20, 22};  // the bits of a place
    std::array<std::vector<std::uint64_t>, SIZES.size()> bits_;
    std::size_t used_ = 0;
    std::int64_t left_ = 0;             // so many bits before the next set

    void begin_set() {
        const std::size_t places = std::size_t{1} << SIZES[used_];
        Spares<std::uint64_t>::reserve(bits_[used_], places / 64);
        bits_[used_++].assign(places / 64, 0);
        // the last set is never full: where all its bits are set, every residue may have been met
        left_ = used_ == SIZES.size() ? std::numeric_limits<std::int64_t>::max() : std::int64_t(places / 32);
    }
};

}  // namespace puiseux::cells
