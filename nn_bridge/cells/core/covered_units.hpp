// Which units of a network others cover (covers.hpp), by its numbers in whole numbers.
#pragma once
#include <vector>

#include "covers.hpp"
#include "whole_numbers.hpp"

namespace puiseux::cells {

/// The units that others cover, with these, in ascending order of the latter; none in large networks, where it would take long.
///
/// After so much work that it takes a second, as in a maximum of 300 numbers, units of later stages are not looked at: covers are
/// proven unit by unit, and what is left out costs time alone.
std::vector<Cover> covered_units(const WholeNumbers& numbers);

}  // namespace puiseux::cells
