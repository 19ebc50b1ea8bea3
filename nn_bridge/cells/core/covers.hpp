// Units that do not matter where another unit is active, as in a maximum of three numbers: patterns without them.
//
// max(p, q, r) is written as  p + a + b  with units  a = max(0, q - p)  and  b = max(0, r - p - a).  Where b is active the sum is r,
// whatever a is.  A unit j *covers* a set of units, of earlier stages, if it reads each of them with the weight -1, all other rows
// that read one of them read it with the weight with which they read j or belong to a unit of the set, and of these each
// reads another one with weight 0 or -1; two that read a third one are of different stages, and the later one reads the other
// (`covered_units.hpp` finds them, exactly, and however units are scaled: positive factors change no pattern).
//
// A pattern without covered units: from the last stage to the first, each unit that is still on switches off those that it covers.
//
// Lemma.  The points (inside cells) whose patterns are the same without covered units fill a convex set but for the zero sets of
// units in it, and their maps are equal.  So any two of these cells are joined by facets, behind which the map is the same.
// Proof.  No covered unit is covered by two units that stay on: the one of the earlier stage reads it, so it is itself covered by the other.
// So for all units that are not covered, and for the outputs, the weights of covered units cancel with those on the units that
// cover them: stage by stage, their forms are the same affine functions at all these points.  A unit that stays on and covers a set
// has a form  c - sum of the set,  c affine.  The sum is the maximum of affine functions, as is that of each subset that has with a
// unit all those that it reads: leave out a unit of the latest stage, max(0, e - sum of R), R some of the others; the sum is the larger
// one of the sum of the others and of e + the sum of others but R.  Both are such sums, for another one that reads a unit of R is read by
// the one left out, so it is in R.  So the form is concave, where it is positive is convex, and the other signs are those of affine
// functions.  (Without that condition it need not be:  max(0, 5 - a) + max(0, 5 - a) + a  with  a = max(0, x).)  Conversely at
// each point where all these signs hold forms are, stage by stage, those functions.  A segment between inner points of two of the cells
// runs through a facet of each cell that it meets, if it is chosen in general position.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include "units.hpp"

namespace puiseux::cells {

/// A unit, and another one, of an earlier stage, that it covers.
struct Cover {
    int stage, unit, of_stage, of_unit;
};

/// Switches covered units off, in patterns of some layout.
class CoverMask {
public:
    CoverMask() = default;
    /// `place(stage, unit)` is the bit of a unit in a pattern.
    template <class Place>
    CoverMask(std::vector<Cover> covers, Place&& place) {
        std::stable_sort(covers.begin(), covers.end(), [](const Cover& a, const Cover& b) { return a.stage > b.stage; });
        for (const Cover& c : covers) {
            const std::size_t from = place(c.stage, c.unit), to = place(c.of_stage, c.of_unit);
            Step step{c.stage, from / 64, to / 64, int((to - from) % 64), bit(int(to % 64))};
            const auto alike = std::find_if(steps_.begin(), steps_.end(), [&](const Step& s) {
                return s.stage == step.stage && s.from == step.from && s.to == step.to && s.turn == step.turn;
            });
            if (alike == steps_.end()) steps_.push_back(step);
            else alike->units |= step.units;
        }
    }
    bool empty() const { return steps_.empty(); }
    void apply(Word* pattern) const {
        for (const Step& s : steps_) pattern[s.to] &= ~(std::rotl(pattern[s.from], s.turn) & s.units);
    }

private:
    /// Units of one word that cover units of another one, all at the same distance.
    struct Step {
        int stage;
        std::size_t from, to;
        int turn;
        Word units;                         // those that are covered
    };
    std::vector<Step> steps_;
};

}  // namespace puiseux::cells
