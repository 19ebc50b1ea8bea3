// The numbers of a network in whole numbers, and what is made of them: residues, weights modulo a power of two, and bounds.
//
// The integer form: every stage, and last the outputs, times one positive factor for all of it that leaves no denominators, where
// the stages that it reads are in that form.  Most networks consist of doubles.  Of these stages numerators and powers of two are
// given, and the least factors, powers of two as well, are found here; other stages are given times their factors.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "derivatives.hpp"
#include "integers.hpp"
#include "leaves.hpp"

namespace puiseux::cells {

struct WholeNumbers {
    /// The integers number * 2^shift; while they are given, number / 2^shift.  Either all numbers are small ones, or none is.
    struct Values {
        std::vector<std::int64_t> small;
        std::vector<Integer> large;
        std::vector<std::int64_t> shift;

        std::size_t size() const { return shift.size(); }
        std::int64_t deepest() const;
        /// f of a number and its shift.
        template <class F>
        auto with(std::size_t k, F&& f) const {
            return large.empty() ? f(Integer(small[k]), shift[k]) : f(large[k], shift[k]);
        }
    };
    struct Block {
        int source;                              // 0 for the input, s + 1 for stage s
        std::vector<std::int32_t> row, column;
        Values weights;
    };
    struct Stage {
        Values bias;
        std::vector<Block> blocks;
        bool cleared = false;                    // it was given times its factor

        int units() const { return int(bias.size()); }
    };
    int inputs = 0;
    std::vector<Stage> stages;                   // last the outputs

    /// Find the factors, and give all numbers times them.
    void clear_denominators();
};

using Residue = std::uint64_t;

/// The network modulo 2^31 - 1: forms at two points, and the outputs times the numbers `mix`, all residues.
std::shared_ptr<ResidueNetwork> residues_of(const WholeNumbers& numbers, const std::array<const Residue*, 2>& points, const Residue* mix);

/// The weights modulo 2^(64 limbs); `maps`: those on the input and the biases as well.  Without limbs the places of weights alone.
std::shared_ptr<WholeWeights> weights_of(const WholeNumbers& numbers, int limbs, bool maps);

/// The units of the last stage that no output reads: all their weights in the outputs are zero.
std::vector<int> unread_units(const WholeNumbers& numbers);

/// A double that no derivative of an output by a unit exceeds, whatever the pattern; infinite if that is too large.
///
/// All terms are positive, so a sum of n products is smaller than the true one by the factor 1 - (n + 1) 2^-53 at most, which
/// 1 + (n + 3) 2^-52 makes up for, the rounding of this product included.
double derivative_bound(const WholeNumbers& numbers);

/// The same for the coefficients of the outputs, as affine functions of the input.
double coefficient_bound(const WholeNumbers& numbers);

/// Weights with a modulus that no derivative reaches, so that they prove maps equal; null where there is none.
std::shared_ptr<WholeWeights> derivative_weights(const WholeNumbers& numbers);

/// The same with a modulus larger than twice any coefficient, and the constants: they tell all maps apart.
std::shared_ptr<WholeWeights> map_weights(const WholeNumbers& numbers);

}  // namespace puiseux::cells
