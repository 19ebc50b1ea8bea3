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
// Numbers are L limbs in two's complement, least first; products and sums drop the carry out of the last one.
// Source: reverse accumulation of derivatives (Griewank and Walther 2008, section 3.2), as in gradients.hpp.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "limbs.hpp"
#include "units.hpp"

namespace puiseux::cells {

/// The weights of an integer network modulo 2^(64 limbs), behind the first stage.
struct WholeWeights {
    struct Block {
        int source;                   // the stage read
        std::vector<Word> weights;    // limbs each: for each unit of the source those of all units that may read it
        std::vector<Word> readers;    // for each unit of the source the units whose weight is not zero
    };
    int limbs = 1;
    std::vector<int> units;                  // by stage; last the outputs
    std::vector<std::vector<Block>> blocks;  // by stage that reads; last those of the output

    /// Append a block of a stage, of zeros.
    Block& add_block(int source, int stage_units) {
        const size_t rows = size_t(units[size_t(source)]);
        return blocks.back().emplace_back(
            Block{source, std::vector<Word>(rows * size_t(stage_units) * size_t(limbs)), std::vector<Word>(rows * size_t(words_for(stage_units)))});
    }
};

/// Whole numbers modulo 2^(64 L).
template <size_t L>
struct Wrapped {
    std::array<Word, L> limbs{};

    bool is_zero() const {
        Word any = 0;
        for (const Word limb : limbs) any |= limb;
        return any == 0;
    }
    void add(const Word* b) {
        Word carry = 0;
        for (size_t i = 0; i < L; ++i) limbs[i] = limbs::multiply_add(b[i], 1, limbs[i], carry, carry);
    }
    void add_product(const Wrapped& a, const Word* b) {
        for (size_t i = 0; i < L; ++i) {
            Word carry = 0;
            for (size_t j = 0; i + j < L; ++j) limbs[i + j] = limbs::multiply_add(a.limbs[i], b[j], limbs[i + j], carry, carry);
        }
    }
};

template <>
struct Wrapped<1> {
    Word limbs[1]{};

    bool is_zero() const { return limbs[0] == 0; }
    void add(const Word* b) { limbs[0] += b[0]; }
    void add_product(const Wrapped& a, const Word* b) { limbs[0] += a.limbs[0] * b[0]; }
};

template <>
struct Wrapped<2> {
    Word limbs[2]{};

    bool is_zero() const { return (limbs[0] | limbs[1]) == 0; }
    void add(const Word* b) {
        limbs[0] += b[0];
        limbs[1] += b[1] + (limbs[0] < b[0]);
    }
    void add_product(const Wrapped& a, const Word* b) {
        Word high = 0;
        limbs[0] = limbs::multiply_add(a.limbs[0], b[0], limbs[0], 0, high);
        limbs[1] += high + a.limbs[0] * b[1] + a.limbs[1] * b[0];
    }
};

/// Derivatives of an output by units, found where they are asked for.
template <size_t L>
class WholeDerivatives {
public:
    explicit WholeDerivatives(const WholeWeights& network) : network_(network), read_by_(network.units.size() - 1) {
        for (const int units : network.units) {
            values_.emplace_back(size_t(units));
            found_.emplace_back(size_t(units), 0);
        }
        for (size_t t = 0; t < network.blocks.size(); ++t)
            for (const auto& block : network.blocks[t]) read_by_[size_t(block.source)].push_back({t, &block});
    }

    /// Whether no output moves with a unit in which two patterns of `words` words a stage differ, so that their maps are equal.
    bool alike(const Word* one, const Word* other, int words) {
        active_ = one, words_ = size_t(words);
        for (size_t output = 0; output < values_.back().size(); ++output) {
            output_ = output, ++now_;
            for (size_t at = read_by_.size() * words_; at-- > 0;)
                for (Word left = one[at] ^ other[at]; left; left &= left - 1)
                    if (!derivative(at / words_, 64 * (at % words_) + size_t(std::countr_zero(left))).is_zero()) return false;
        }
        return true;
    }

private:
    struct Reader {
        size_t stage;
        const WholeWeights::Block* block;
    };
    const WholeWeights& network_;
    std::vector<std::vector<Reader>> read_by_;
    const Word* active_ = nullptr;                 // the pattern
    size_t words_ = 1, output_ = 0;
    std::vector<std::vector<Wrapped<L>>> values_;  // by stage and unit
    std::vector<std::vector<std::uint64_t>> found_;  // .. when they were found
    std::uint64_t now_ = 0;

    const Wrapped<L>& derivative(size_t stage, size_t unit) {
        Wrapped<L>& sum = values_[stage][unit];
        if (found_[stage][unit] == now_) return sum;
        sum = {}, found_[stage][unit] = now_;
        for (const Reader& reader : read_by_[stage]) {
            const size_t units = values_[reader.stage].size();
            const Word* readers = &reader.block->readers[unit * size_t(words_for(int(units)))];
            const Word* weights = &reader.block->weights[unit * units * L];
            if (reader.stage == read_by_.size()) {
                sum.add(weights + output_ * L);
                continue;
            }
            const Word* active = active_ + reader.stage * words_;
            for (size_t q = 0; 64 * q < units; ++q)
                for (Word left = active[q] & readers[q]; left; left &= left - 1) {
                    const size_t j = 64 * q + size_t(std::countr_zero(left));
                    const Wrapped<L>& own = derivative(reader.stage, j);
                    if (!own.is_zero()) sum.add_product(own, weights + j * L);
                }
        }
        return sum;
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
