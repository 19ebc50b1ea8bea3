// Proofs that a cell has the map of another one: by paths, by derivatives, and by the coefficients of both maps.
//
// Paths cost least and tell most.  Weights for the others are made when they are first needed; where numbers are too long for a
// modulus that was compiled, there are none, and less is proven.
#pragma once
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "derivatives.hpp"
#include "whole_numbers.hpp"

namespace puiseux::cells::joining {

class MapProofs {
public:
    /// For patterns of `words` words a stage of the network with these numbers.
    MapProofs(std::shared_ptr<const WholeNumbers> numbers, int words)
        : numbers_(std::move(numbers)), words_(words), places_(weights_of(*numbers_, 0, false)), paths_(derivatives(*places_, words)) {}

    const WholeNumbers& numbers() const { return *numbers_; }

    /// Turn to the cell with a pattern, which is to stay where it is.
    void turn_to(const Word* pattern) { pattern_ = pattern, paths_begun_ = derivatives_begun_ = false; }

    /// Whether no output moves with a unit, so that the cell behind it has the same map.
    bool still(size_t stage, size_t unit) {
        if (by_derivatives_.derivatives && by_derivatives()->still_at_once(stage, unit)) return true;
        return by_paths().still(stage, unit) || (by_derivatives() && by_derivatives()->still(stage, unit));
    }
    /// Whether `still` tells the truth wherever it says no.
    bool decides() { return made(by_derivatives_, derivative_weights); }

    /// Whether the cell surely has the map of another pattern, since no output moves with a unit in which they differ.
    bool alike(const Word* other) { return by_paths().alike(other) || (by_derivatives() && by_derivatives()->alike(other)); }

    /// Whether its map has the coefficients of that of another pattern; false where that is not known.
    bool has_coefficients_of(const Word* other) {
        Derivatives* const maps = made(by_coefficients_, map_weights);
        if (!maps) return false;
        const WholeWeights& weights = *by_coefficients_.weights;
        const size_t size = size_t(weights.units.back()) * size_t(weights.inputs) * size_t(weights.limbs);
        own_.resize(size), other_.resize(size);
        maps->begin(pattern_), maps->map(own_.data());
        maps->begin(other), maps->map(other_.data());
        return own_ == other_;
    }

private:
    struct Proofs {
        bool made = false;
        std::shared_ptr<const WholeWeights> weights;
        std::unique_ptr<Derivatives> derivatives;
    };
    std::shared_ptr<const WholeNumbers> numbers_;
    int words_;
    std::shared_ptr<const WholeWeights> places_;            // of weights that are not zero
    std::unique_ptr<Derivatives> paths_;
    Proofs by_derivatives_, by_coefficients_;
    const Word* pattern_ = nullptr;
    bool paths_begun_ = false, derivatives_begun_ = false;  // whether they have turned to it
    std::vector<Word> own_, other_;                         // room for coefficients

    Derivatives& by_paths() {
        if (!std::exchange(paths_begun_, true)) paths_->begin(pattern_);
        return *paths_;
    }
    Derivatives* by_derivatives() {
        Derivatives* const found = made(by_derivatives_, derivative_weights);
        if (found && !std::exchange(derivatives_begun_, true)) found->begin(pattern_);
        return found;
    }
    template <class WeightsOf>
    Derivatives* made(Proofs& proofs, WeightsOf&& weights_of_numbers) {
        if (!std::exchange(proofs.made, true))
            if ((proofs.weights = weights_of_numbers(*numbers_))) proofs.derivatives = derivatives(*proofs.weights, words_);
        return proofs.derivatives.get();
    }
};

}  // namespace puiseux::cells::joining
