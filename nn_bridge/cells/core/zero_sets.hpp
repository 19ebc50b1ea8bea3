// Sets of units and walls that vanish at a generator, bit after bit: the units of all stages but the last, then the walls.
//
// Units of the last stage are not stored, since their signs are.  Few words keep generators short.
#pragma once
#include <cstddef>
#include <vector>

#include "network.hpp"
#include "units.hpp"

namespace puiseux::cells {

/// Where the bits of each stage, and of the walls, begin.
struct ZeroPlaces {
    std::vector<int> stage;             // by stage before the last
    int walls = 0, words = 0;

    ZeroPlaces(const Problem& problem) {
        for (size_t s = 0; s + 1 < problem.stages.size(); ++s) stage.push_back(walls), walls += problem.stages[s].units;
        words = words_for(walls + int(problem.walls.size()));
    }
};

/// Add up to 64 members, the first of which is `begin`, to a set that has room for them.
inline void add_members(Word* set, int begin, Word members) {
    const int shift = begin & 63;
    set[begin >> 6] |= members << shift;
    if (shift && members >> (64 - shift)) set[(begin >> 6) + 1] |= members >> (64 - shift);
}
/// The members from `begin` on, `count` of them at most 64.
inline Word members_of(const Word* set, int begin, int count) {
    const int shift = begin & 63;
    Word found = set[begin >> 6] >> shift;
    if (shift + count > 64) found |= set[(begin >> 6) + 1] << (64 - shift);
    return count < 64 ? found & (bit(count) - 1) : found;
}

}  // namespace puiseux::cells
