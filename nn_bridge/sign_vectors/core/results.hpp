// What is read off a finished 1-skeleton: its arrays, the number of cells, the polygons of a surface.
// Cells are counted by their lowest vertices, as docs/core.md says.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "stage.hpp"

namespace puiseux::edges {

/// The coordinates of all vertices, and a bound on the error of each.
inline void copy_vertices(const Vertices& vertices, double unit, Grid<double> points, float* error) {
    for (size_t v = 0; v < points.rows; ++v) {
        for (size_t q = 0; q < points.columns; ++q) points[v][q] = vertices.rows[v][HEAD + q];
        error[v] = up32(vertices.residual(v) * double(vertices.amplification(v)) * unit);
    }
}

/// The columns of edge rows.
struct EdgeColumns {
    Grid<std::int32_t> ends;
    Grid<std::int16_t> zeros;
    Line<std::int32_t> faces;
    Line<std::uint8_t> up;  // 1 or 0, or 2 where it is not known
    Line<Word> words;
};

/// Copies the columns of all edge rows; the last block's signs are added to the fingerprints.
template <size_t D>
void copy_edges(const EdgesOf<D>& edges, const Vertices& vertices, const Word* table, const EdgeColumns& to) {
    const size_t count = to.ends.rows;
    for (size_t i = 0; i < count; ++i) {
        const std::int32_t* soon = edges.ends(i + AHEAD < count ? i + AHEAD : count - 1);
        prefetch(&vertices.now(size_t(soon[0])));
        prefetch(&vertices.now(size_t(soon[1])));
        const std::int32_t *ends = edges.ends(i), marks = edges.marks(i);
        to.ends.data[2 * i] = ends[0], to.ends.data[2 * i + 1] = ends[1];
        to.faces[i] = marks & FACE_BITS;
        to.up[i] = marks & KNOWN ? std::uint8_t((marks >> UP_BIT) & 1) : std::uint8_t(2);
        to.words[i] = edges.base(i) + word_sum(table, vertices.now(size_t(ends[0])) | vertices.now(size_t(ends[1])));
        const size_t zeros = D ? D - 1 : to.zeros.columns;
        std::memcpy(to.zeros.data + i * zeros, edges.zeros(i), zeros * sizeof(std::int16_t));
    }
}

/// The sum over vertices of the cells of which each is the lowest; `upwards`: is an edge's second end higher?
template <size_t D>
Number count_by_lowest_vertex(Line<const std::uint8_t> upwards, Grid<const std::int32_t> edge_ends,
                              Grid<const std::int16_t> edge_zeros, Grid<const std::int16_t> vertex_zeros) {
    const size_t vertices = vertex_zeros.rows, d = D ? D : vertex_zeros.columns;
    std::vector<std::uint8_t> upward_of(vertices * d), blocked_of(vertices);
    std::vector<std::int32_t> total_of(vertices);
    std::uint8_t *__restrict upward = upward_of.data(), *__restrict blocked = blocked_of.data();
    std::int32_t* __restrict total = total_of.data();
    const std::int16_t* __restrict zeros = vertex_zeros.data;
    for (size_t v = 0; v < vertices; ++v)
        for (size_t q = 0; q < d; ++q) total[v] += zeros[v * d + q];
    for (size_t i = 0; i < edge_ends.rows; ++i) {
        // no branches: which way an edge goes and what it leaves can't be foreseen
        const bool second_higher = upwards[i] != 0;
        const std::int32_t a = edge_ends.data[2 * i], b = edge_ends.data[2 * i + 1];
        const size_t low = size_t(second_higher ? a : b), high = size_t(second_higher ? b : a);
        std::int32_t edge_total = 0;
        for (size_t q = 0; q + 1 < d; ++q) edge_total += edge_zeros.data[i * (d - 1) + q];
        // padding with -1 makes the sums differ by the number of the neuron left, or by -1 towards a larger wall face
        const std::int32_t left = total[low] - edge_total;
        for (size_t q = 0; q < d; ++q) upward[low * d + q] += zeros[low * d + q] == left;
        blocked[high] |= total[high] == edge_total - 1;
    }
    Number cells = 0;
    for (size_t v = 0; v < vertices; ++v) {
        if (blocked[v]) continue;
        Number ways = 1;
        for (size_t q = 0; q < d; ++q)
            if (zeros[v * d + q] >= 0) ways *= upward[v * d + q];
        cells += ways;
    }
    return cells;
}

/// Orders the sides of polygons into cycles of vertices.
///
/// Polygon i has the sides start[i] .. start[i + 1] (pairs of vertices) in any order; its vertices are written to the same
/// places of `members`.  Returns the number of polygons that do not close.
inline Number walk_polygons(Line<const Number> start, Grid<const Number> sides, Line<Number> members) {
    Number broken = 0;
    std::vector<char> used;
    for (size_t i = 0; i + 1 < start.size; ++i) {
        const size_t low = size_t(start[i]), high = size_t(start[i + 1]);
        used.assign(high - low, 0);
        Number current = sides[low][1];
        members[low] = sides[low][0];
        used[0] = 1;
        for (size_t place = low + 1; place < high; ++place) {
            members[place] = current;
            size_t j = low;
            while (j < high && (used[j - low] || (sides[j][0] != current && sides[j][1] != current))) ++j;
            if (j == high) break;
            current = sides[j][0] == current ? sides[j][1] : sides[j][0];
            used[j - low] = 1;
        }
        broken += current != members[low] || high - low < 3;
    }
    return broken;
}

}  // namespace puiseux::edges
