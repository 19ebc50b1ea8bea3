// The number of cells that many lines cut a polygon into, exactly: no cell is made, and no generator on a line.
// Source: the parts into which lines divide the plane, line by line (Steiner 1826).
//
// The polygon is a cell cut by as many zero sets as leave it two dimensions.  A line of a unit meets its boundary in two
// places: corners, where the unit's sign is zero, or points between two corners with opposite signs.  Places on one side
// are sorted by the unit's values at its ends.  Two lines cross inside iff their places alternate around the boundary; and
// with k lines there are 1 + k + sum of d_i cells, where d_i is the number of different points at which line i crosses
// earlier ones (crossings.hpp).  Rays are corners at infinity like others, and the side between two rays is infinity.
//
// All of it is compiled once, for all shapes (polygon.cpp).
#pragma once
#include <cstdint>
#include <vector>

#include "crossings.hpp"
#include "lines.hpp"
#include "restriction.hpp"

namespace puiseux::cells {

class Polygons : public LineCutting {
public:
    using LineCutting::LineCutting;

protected:
    static constexpr int FEW_LINES = 6;  // fewer are counted faster one by one

    /// The number of cells that units cut a flat of dimension two into; each of them has both signs on it.  -1 where the
    /// flat is not given as a polygon is.
    std::int64_t cells_of_polygon(Cell flat, int stage, const Word* cut);
    /// The number of different zeros of units on an edge.
    std::int64_t zeros_on_edge(Word* a, Word* b, int stage, const Word* cut);

private:
    /// A line: its unit, and the ranks of its two places on the boundary.
    struct Line {
        int unit, first, second;
    };
    /// A place between two corners, to be ranked.
    struct Place {
        double at, error;
        int line, rank;
        bool second;
    };

    std::vector<int> around_;           // the corners, in order
    std::vector<Line> lines_;           // before they are ranked their places are 2 t at corner t, 2 t + 1 behind it
    std::vector<std::vector<Place>> sides_;
    std::vector<Facet> facets_;         // whose hyperplanes meet in the flat's plane
    std::vector<FormRows> levels_;      // the lines' forms, restricted to none, one, .. of these
    std::vector<double> largest_;
    FormRows crossing_;                 // the restricted forms of those that cross one of the lines
    std::vector<int> crossing_lines_;
    Crossings crossings_;

    /// Finds the corners in order: neighbours share facets that no third corner has in common with both.
    bool find_corners(Cell flat);
    /// Finds the two places at which a unit's zero set meets the boundary.
    bool find_places(Cell flat, int unit);
    /// Ranks all places around the boundary; equal places have equal ranks.
    void rank_places(Cell flat, int stage);
    /// Ranks the places between two corners, from 0 on; returns how many ranks there are.
    int rank_side(std::vector<Place>& side, Word* a, Word* b, int stage);
    int rank_side_exactly(std::vector<Place>& side, Word* a, Word* b, int stage);
    /// Restricts the lines' forms to the plane of the flat: three coordinates are left.
    bool restrict_forms(Cell flat, int stage);
    /// Stores a unit's form, with its largest coefficient scaled into [1/2, 1).
    void take_row(FormRows& rows, int i, int stage, int unit);
    /// At how many different points a line crosses earlier ones inside.
    std::int64_t crossings_on(int i, int stage);
    std::int64_t exact_zeros(Word* a, Word* b, int stage, const Word* cut);
    /// Two vectors that span the line of a unit in the flat's plane.
    std::vector<Integers> basis_of_line(int unit, int stage);
};

}  // namespace puiseux::cells
