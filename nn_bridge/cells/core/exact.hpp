// Forms as exact integer rows, for the few decisions that floating point leaves open.
//
// Each stage is multiplied by one positive factor, so signs are those of the network.  Rows are kept while the pattern of
// the stages before stays the same.  All of it is compiled once, for all shapes (exact.cpp).
// Source: exact signs where they are asked for alone (Yap 1997, Towards exact geometric computation).
#pragma once
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "forms.hpp"

namespace puiseux::cells {

/// The engine contradicts itself.
struct Contradiction : std::logic_error {
    using std::logic_error::logic_error;
};

/// What code that is compiled once asks of an engine of any shape: the patterns of the stages that are done, and forms.
class Stages {
public:
    virtual const Word* pattern(int stage) const = 0;
    virtual FormTable table(int stage) const = 0;

protected:
    ~Stages() = default;
};

class ExactForms {
public:
    ExactForms(const Problem& problem, const Stages& stages);

    /// A unit's form (dim + 1 integers) under the present pattern, which has the number `epoch[stage]` for each stage.
    const Integers& row(int stage, int unit, const std::vector<std::uint64_t>& epoch);
    /// The row of a facet.
    Integers row(Facet f, const std::vector<std::uint64_t>& epoch);

private:
    const Problem& problem_;
    const std::vector<ExactStage>& exact_;
    const Stages& stages_;
    std::vector<std::vector<Integers>> rows_;
    std::vector<std::uint64_t> epoch_;
};

/// The vector that the first columns of all rows annihilate, as `null_vector` of elimination.hpp; and a basis of such vectors.
std::optional<Integers> null_vector_of(std::vector<Integers> rows, size_t columns);
std::vector<Integers> null_basis_of(std::vector<Integers> rows, size_t columns);

/// Round an exact vector to the coordinates of a generator's row, and return their error.
///
/// With whole numbers coordinates are integers without error where they fit; else the largest is scaled into [1/2, 1].
double round_to_row(Integers v, bool whole, int last, double* x);

}  // namespace puiseux::cells
