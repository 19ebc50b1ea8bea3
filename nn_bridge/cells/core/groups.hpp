// Residues of maps that have been met with one pattern, or with several, where patterns are compared without covered units.
//
// Cells with one such pattern are joined by it (`covers.hpp`).  So a cell needs neighbours only where its residues have come with another
// pattern as well.  For each residue a table keeps a part of its hash and of a hash of the pattern with which it came first, or that
// there were several.  Two patterns with one hash cost time, in a later pass, and change no result.  The table ends growing at some
// size; from then on residues that are not in it are said to have come with several patterns.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace puiseux::cells {

class SeenGroups {
public:
    /// Load what is known of a residue that is met soon.
    void expect([[maybe_unused]] std::uint64_t residue) const {
#if defined(__GNUC__)
        if (bits_) __builtin_prefetch(&slots_[home(hash_of(residue))]);
#endif
    }
    /// Note a residue with the hash of a pattern; whether it may have come with another pattern.
    bool meet(std::uint64_t residue, std::uint64_t pattern) {
        if (!bits_) grow(FEWEST);
        const std::uint64_t hash = hash_of(residue), one = hash >> 32 << 32 | (pattern >> 32 & ~SEVERAL) | FIRST;
        for (std::size_t k = home(hash);; k = (k + 1) & (slots_.size() - 1)) {
            std::uint64_t& slot = slots_[k];
            if (!slot) {
                if (is_full()) return true;
                slot = one, ++taken_;
                if (is_full() && bits_ < MOST) grow(bits_ + 1);
                return false;
            }
            if (slot == one) return false;
            if (slot >> 32 == hash >> 32) return slot |= SEVERAL, true;
        }
    }

private:
    static constexpr int FEWEST = 12, MOST = 20;  // powers of two: slots
    static constexpr std::uint64_t SEVERAL = 1, FIRST = 2;  // the latter is in all slots that are taken
    std::vector<std::uint64_t> slots_;  // high half of the residue's hash and of the pattern's, whose last bit says that there were several
    std::size_t taken_ = 0;
    int bits_ = 0;

    static std::uint64_t hash_of(std::uint64_t residue) { return residue * 0x9E3779B97F4A7C15u; }
    std::size_t home(std::uint64_t hash) const { return std::size_t(hash >> (64 - bits_)); }

    bool is_full() const { return taken_ > slots_.size() / 4 * 3; }
    void grow(int bits) {
        bits_ = bits;
        const std::vector<std::uint64_t> old = std::exchange(slots_, std::vector<std::uint64_t>(std::size_t{1} << bits));
        for (const std::uint64_t slot : old) {
            std::size_t k = home(slot);
            while (slot && slots_[k]) k = (k + 1) & (slots_.size() - 1);
            if (slot) slots_[k] = slot;
        }
    }
};

}  // namespace puiseux::cells
