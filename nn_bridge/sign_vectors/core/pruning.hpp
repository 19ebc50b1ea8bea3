// Which cells the last stage may be zero on; which vertices a cell has; an order of cells in space.
// Source of the order: Morton 1966.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "bounding.hpp"

namespace puiseux::edges {

/// The vertices of each cell: those of cell i are members[start[i]] .. members[start[i + 1] - 1].
struct Incidences {
    Line<const Number> start, members;
};

/// result[i]: whether the last stage may be zero on cell order[i]; `per_group` are bounded together.
struct OpenCells {
    PUISEUX_INLINE static void run(Line<const Number> order, const Incidences& cells, size_t per_group,
                                   const Vertices& vertices, const double* scaled, size_t vertex_count, const Later& later,
                                   Line<bool> result) {
        const double infinity = std::numeric_limits<double>::infinity();
        size_t most = 0;
        for (size_t first = 0; first < order.size; first += per_group) {
            size_t total = 0;
            for (size_t i = first; i < std::min(first + per_group, order.size); ++i)
                total += size_t(cells.start[size_t(order[i]) + 1] - cells.start[size_t(order[i])]);
            most = std::max(most, total);
        }
        Group group(later, most);
        std::vector<std::int32_t> of_vertex(vertex_count, -1);
        std::vector<size_t> chosen(most);
        for (size_t first = 0; first < order.size; first += per_group) {
            const size_t stop = std::min(first + per_group, order.size);
            double error = 0;
            group.count = 0;
            for (size_t i = first; i < stop; ++i)
                for (Number p = cells.start[size_t(order[i])]; p < cells.start[size_t(order[i]) + 1]; ++p) {
                    const size_t v = size_t(cells.members[size_t(p)]);
                    if (of_vertex[v] >= 0) continue;
                    of_vertex[v] = std::int32_t(group.count);
                    chosen[group.count++] = v;
                    const double own = vertices.residual(v) * double(vertices.amplification(v));
                    error = own < infinity ? std::max(error, own) : infinity;
                }
            const bool bounded = read_known(later, group, chosen, vertices, scaled, error) && bound_group(later, group);
            for (size_t i = first; i < stop; ++i) {
                double lowest = infinity, highest = -infinity;
                for (Number p = cells.start[size_t(order[i])]; p < cells.start[size_t(order[i]) + 1]; ++p) {
                    const size_t m = size_t(of_vertex[size_t(cells.members[size_t(p)])]);
                    lowest = std::min(lowest, group.below[m]);
                    highest = std::max(highest, group.above[m]);
                }
                result[i] = !bounded || (lowest <= 0 && highest >= 0);
            }
            for (size_t m = 0; m < group.count; ++m) of_vertex[chosen[m]] = -1;
        }
    }

    /// The known numbers at a group's vertices, with their ranges; false where one is too large (or its error is).
    PUISEUX_INLINE static bool read_known(const Later& later, Group& group, const std::vector<size_t>& chosen,
                                          const Vertices& vertices, const double* scaled, double error) {
        bool bounded = true;
        for (size_t k = 0; k < later.known.size; ++k) {
            const size_t column = size_t(later.known[k]);
            double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
            for (size_t m = 0; m < group.count; ++m) {
                double value = vertices.rows[chosen[m]][column];
                bounded = bounded && std::abs(value) < HUGE_SIZE;  // so it is a number
                if (later.positive[k]) value = std::max(value, 0.0);
                group.values[k * group.room + m] = value;
                lowest = std::min(lowest, value);
                highest = std::max(highest, value);
            }
            group.slack[k] = error / scaled[column] * (1 + 16 * UNIT);
            group.read_low[k] = lowest - group.slack[k];
            group.read_high[k] = highest + group.slack[k];
            if (later.positive[k]) group.read_low[k] = std::max(group.read_low[k], 0.0);
            group.size[k] = std::max(std::abs(group.read_low[k]), std::abs(group.read_high[k])) + FLOOR;
            // errors, and with them ranges, may be infinite
            bounded = bounded && group.size[k] < HUGE_SIZE;
        }
        return bounded;
    }
};

/// The number of zeros of vertex v.
inline size_t zeros_of(Grid<const std::int16_t> zeros, size_t v) {
    size_t m = 0;
    while (m < zeros.columns && zeros[v][m] >= 0) ++m;
    return m;
}

/// cell[incidence]: the number of each cell around each vertex; returns the number of cells, or -1 where `slots` is too short.
///
/// `base` are the words of the vertices, `zeros` their zeros (-1 at the end); a vertex with m has the next 2^m incidences.
/// `slots` is a table of (word, number + 1), a power of two long and empty.
inline Number number_cells(Line<const Word> base, Grid<const std::int16_t> zeros, Line<const Word> zero_words,
                           Line<const Word> positive_words, Line<Number> cell, Grid<Word> slots) {
    const Word mask = Word(slots.rows - 1);
    const size_t most = slots.rows - slots.rows / 4;
    size_t found = 0, at = 0;
    for (size_t v = 0; v < base.size; ++v) {
        const size_t m = zeros_of(zeros, v);
        Word bare = base[v];
        for (size_t q = 0; q < m; ++q) bare -= zero_words[size_t(zeros[v][q])];
        for (size_t side = 0; side < size_t(1) << m; ++side) {
            Word word = bare;
            for (size_t q = 0; q < m; ++q)
                if ((side >> q) & 1) word += positive_words[size_t(zeros[v][q])];
            Word place = ((word * MIX) >> 20) & mask;
            while (slots[place][1] && slots[place][0] != word) place = (place + 1) & mask;
            if (!slots[place][1]) {
                if (found == most) return -1;
                slots[place][0] = word;
                slots[place][1] = ++found;
            }
            cell[at++] = Number(slots[place][1]) - 1;
        }
    }
    return Number(found);
}

/// The vertices of each cell: those of cell i are members[start[i]] .. members[start[i + 1] - 1]; `start` comes as zeros.
inline void gather_members(Line<const Number> cell, Grid<const std::int16_t> zeros, Line<Number> start, Line<Number> members) {
    for (size_t i = 0; i < cell.size; ++i) ++start[size_t(cell[i]) + 1];
    for (size_t i = 1; i < start.size; ++i) start[i] += start[i - 1];
    std::vector<Number> filled(start.data, start.data + start.size - 1);
    size_t at = 0;
    for (size_t v = 0; v < zeros.rows; ++v)
        for (size_t side = size_t(1) << zeros_of(zeros, v); side > 0; --side)
            members[size_t(filled[size_t(cell[at++])]++)] = Number(v);
}

/// The place of each cell along a Morton curve: the bits of its centre's coordinates in turn.
inline void curve_codes(Grid<const double> points, const Incidences& cells, const double* low, const double* factor,
                        size_t bits, Line<Number> codes) {
    const size_t d = points.columns;
    for (size_t i = 0; i < codes.size; ++i) {
        const Number begin = cells.start[i], end = cells.start[i + 1];
        Number code = 0;
        for (size_t axis = 0; axis < d; ++axis) {
            double total = 0;
            for (Number p = begin; p < end; ++p) total += points[size_t(cells.members[size_t(p)])][axis] - low[axis];
            const Number step = Number(total / double(end - begin) * factor[axis]);
            for (size_t bit = 0; bit < bits; ++bit) code |= ((step >> bit) & 1) << (bit * d + axis);
        }
        codes[i] = code;
    }
}

}  // namespace puiseux::edges
