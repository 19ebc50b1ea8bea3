// Maps proven equal: no output moves with a unit in which their patterns differ, by derivatives modulo a number above their bound.
//
// Lemma.  In the integer form of a network (denominators cleared stage by stage) the output's derivative by a unit is a sum
// of products of weights, so a whole number; computed with all weights modulo M = 2^(64 L) it comes out modulo M, as
// reduction is a homomorphism of rings.  Where no derivative exceeds B < M in size, it is zero iff the result is.
// Proof.  |d| <= B < M and d a multiple of M leave d = 0 alone.
//
// Lemma.  If an output moves, on the cell with pattern p, with none of the units in which another pattern q differs from p, its
// affine maps on both cells are equal.
// Proof.  From the last stage back, units have the same derivatives under p and q: they are the same sums over the active
// units of later stages, and of these the ones in which p and q differ have derivative zero and add nothing.  So the same
// units move the output, by as much, and what these hand on are the same sums over active units of earlier stages, of which
// those that move the output are the same.
//
// Lemma.  Let the patterns of two cells differ in one unit alone.  Their maps are equal iff no output moves with it.
// Proof.  The maps differ by the unit's form times the output's derivative, which does not depend on the unit itself.  The form
// is not zero, since it is positive on one of the cells and not on the other.
//
// Lemma.  The coefficients of an output are those of its own weights on the input, and its bias, plus those of each active unit
// times the derivative by that unit.  If none exceeds B in size and M > 2 B, two are equal iff their residues are.
//
// Numbers are L limbs in two's complement, least first; products and sums drop the carry out of the last one.
// Source: reverse accumulation of derivatives (Griewank and Walther 2008, section 3.2), as in gradients.hpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "units.hpp"

namespace puiseux::cells {

/// The weights of an integer network modulo 2^(64 limbs), behind the first stage.
struct WholeWeights {
    struct Block {
        int source;                   // the stage read
        std::vector<Word> weights;    // limbs each: for each unit of the source those of all units that may read it
        std::vector<Word> readers;    // for each unit of the source the units whose weight is not zero

        friend bool operator==(const Block&, const Block&) = default;
    };
    int limbs = 1;
    int inputs = 0;                          // constants of a unit: its weights on the input, and its bias; none where maps are not asked for
    std::vector<int> units;                  // by stage; last the outputs
    std::vector<std::vector<Word>> constants;  // likewise, for each unit
    std::vector<std::vector<Block>> blocks;  // by stage that reads; last those of the output

    friend bool operator==(const WholeWeights&, const WholeWeights&) = default;

    /// Append a block of a stage, of zeros.
    Block& add_block(int source, int stage_units) {
        const size_t rows = size_t(units[size_t(source)]);
        return blocks.back().emplace_back(
            Block{source, std::vector<Word>(rows * size_t(stage_units) * size_t(limbs)), std::vector<Word>(rows * size_t(words_for(stage_units)))});
    }
};

/// Derivatives of the outputs by units, on one cell after another.
class Derivatives {
public:
    virtual ~Derivatives() = default;
    /// Turn to the cell with a pattern, which is to stay where it is.
    virtual void begin(const Word* pattern) = 0;
    /// Whether no output moves with a unit, as far as that can be told.
    virtual bool still(size_t stage, size_t unit) = 0;
    /// The same, as far as that can be told without looking for it.
    virtual bool still_at_once(size_t, size_t) { return false; }
    /// Whether no output moves with a unit in which another pattern differs, so that both cells have one map.
    virtual bool alike(const Word* other) = 0;
    /// The coefficients of the outputs on that cell, limb after limb.
    virtual void map(Word* to) = 0;
};

/// Derivatives of as many limbs as the network's weights have, 1, 2, 3, 4, 6 or 8, or none: paths.  The network is to outlive them.
std::unique_ptr<Derivatives> derivatives(const WholeWeights& network, int words);

}  // namespace puiseux::cells
