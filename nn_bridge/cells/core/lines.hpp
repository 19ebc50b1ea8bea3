// Cells that contain whole lines: where a unit crosses one, the cell's generators move along it into the unit's zero set.
//
// Directions that no unit has seen yet (skip connections, or what a domain leaves free) are lines of a cell; its generators
// lie on the hyperplanes where the coordinates of the lines are 0.  Once a unit crosses a line, the line's two directions
// become rays.  All of it is done in integers: it happens at most once for each line on the way to a cell, and is compiled
// once, for all shapes (lines.cpp).
// Source: the double description method with lineality (Fukuda and Prodon 1996, section 3).
#pragma once
#include <vector>

#include "solving.hpp"
#include "zero_sets.hpp"

namespace puiseux::cells {

class LineCutting : public Solving {
public:
    using Solving::Solving;

protected:
    using Lines = std::vector<int>;     // the coordinates of the lines that no unit has cut yet
    /// A unit that crosses a line, and which line: its axis, and its number among the cell's lines.
    struct LineCrossing {
        int unit, axis, number;
    };

    const ZeroPlaces places_{problem_};

    /// The cell's lines: for each the direction with coordinate > 0 on its axis and 0 on the other lines' axes.
    std::vector<Integers> line_directions(Cell cell, const Lines& lines);
    /// The first unit of those from `begin` to `end` that crosses a line; unit -1 if none does.
    LineCrossing first_crossing(int stage, int begin, int end, const Lines& lines, const std::vector<Integers>& directions);
    /// Write a line's one end, the generators moved along it into a unit's zero set (whose slot is given), and its other end.
    void move_along(Cell cell, int stage, int slot, int axis, const Integers& row, Integers direction, Word* out);

private:
    int slot_of_axis(int axis) const;
    std::vector<Word> facets_used(Cell cell) const;
    void fresh_signs(Word* g, int stage, const Integers& v);
};

}  // namespace puiseux::cells
