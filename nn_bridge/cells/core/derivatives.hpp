// The units with which the output moves, proven: derivatives as whole numbers modulo a power of two above their bound.
//
// Lemma.  In the integer form of a network (denominators cleared stage by stage) the output's derivative by a unit is a sum
// of products of weights, so a whole number; computed with all weights modulo M = 2^(64 L) it comes out modulo M, as
// reduction is a homomorphism of rings.  Where no derivative exceeds B < M in size, it is zero iff the result is.
// Proof.  |d| <= B < M and d a multiple of M leave d = 0 alone.
//
// Numbers are L limbs in two's complement, least first; products and sums drop the carry out of the last one.
// Source: reverse accumulation of derivatives (Griewank and Walther 2008, section 3.2), as in gradients.hpp.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "limbs.hpp"
#include "units.hpp"

namespace puiseux::cells {

/// The weights of an integer network with one output modulo 2^(64 limbs), behind the first stage; zeros are left out.
struct WholeWeights {
    struct Block {
        int source;                       // the stage read
        std::vector<std::int64_t> begin;  // of the weights of each unit, and their end
        std::vector<std::int32_t> column;
        std::vector<Word> weights;        // limbs each
    };
    int limbs = 1;
    std::vector<int> units;               // by stage
    std::vector<std::vector<Block>> blocks;  // by stage; last those of the output
};

template <size_t L>
class WholeDerivatives {
public:
    explicit WholeDerivatives(const WholeWeights& network) : network_(network) {
        for (const int units : network.units) values_.emplace_back(size_t(units));
    }

    /// The units of a pattern of `words` words a stage that are active and with which the output moves.
    void moving(const Word* pattern, int words, Word* result) {
        for (auto& own : values_) std::fill(own.begin(), own.end(), Number{});
        Number one{};
        one[0] = 1;
        const size_t stages = values_.size();
        for (const auto& block : network_.blocks[stages]) hand_on(block, 0, one, pattern, words);
        for (size_t s = stages; s-- > 0;)
            for (int q = 0; q < words; ++q) {
                const size_t column = s * size_t(words) + size_t(q);
                Word found = 0;
                for (Word left = pattern[column]; left; left &= left - 1) {
                    const int unit = 64 * q + std::countr_zero(left);
                    const Number& own = values_[s][size_t(unit)];
                    if (is_zero(own)) continue;
                    found |= left & (~left + 1);
                    for (const auto& block : network_.blocks[s]) hand_on(block, unit, own, pattern, words);
                }
                result[column] = found;
            }
    }

private:
    using Number = std::array<Word, L>;
    const WholeWeights& network_;
    std::vector<std::vector<Number>> values_;  // by stage; of active units alone

    static bool is_zero(const Number& a) {
        Word any = 0;
        for (const Word limb : a) any |= limb;
        return any == 0;
    }

    /// Add a unit's derivative times its weights to those of the active units that it reads.
    void hand_on(const WholeWeights::Block& block, int unit, const Number& own, const Word* pattern, int words) {
        const Word* on = pattern + block.source * words;
        auto& to = values_[size_t(block.source)];
        for (std::int64_t k = block.begin[size_t(unit)]; k < block.begin[size_t(unit) + 1]; ++k) {
            const int i = block.column[size_t(k)];
            if (on[i >> 6] >> (i & 63) & 1) add_product(own, &block.weights[size_t(k) * L], to[size_t(i)]);
        }
    }

    static void add_product(const Number& a, const Word* b, Number& sum) {
        for (size_t i = 0; i < L; ++i) {
            Word carry = 0;
            for (size_t j = 0; i + j < L; ++j) sum[i + j] = limbs::multiply_add(a[i], b[j], sum[i + j], carry, carry);
        }
    }
};

/// Call `use` with derivatives of as many limbs as the network's weights have: 1, 2, 3, 4, 6 or 8.
template <class Use>
void with_derivatives(const WholeWeights& network, Use&& use) {
    auto of = [&]<size_t L>() { use(WholeDerivatives<L>(network)); };
    switch (network.limbs) {
        case 1: return of.template operator()<1>();
        case 2: return of.template operator()<2>();
        case 3: return of.template operator()<3>();
        case 4: return of.template operator()<4>();
        case 6: return of.template operator()<6>();
        default: return of.template operator()<8>();
    }
}

}  // namespace puiseux::cells
