// What is read off a finished 1-skeleton: its arrays, the number of cells, the polygons of a surface.
// Cells are counted by their lowest vertices, as docs/core.md says.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "stage.hpp"

namespace puiseux::edges {

/// What is told of finished vertices.
struct VertexColumns {
    Grid<double> points;
    Line<float> error;  // a bound on the error of each coordinate
    Grid<std::int16_t> zeros;
    Line<std::int32_t> faces;
    Line<Word> words;
};

/// Copies the columns of all vertices; the largest scale of a coordinate tells their errors.
inline void copy_vertices(const Vertices& vertices, const double* scaled, const VertexColumns& to) {
    const size_t count = to.points.rows, d = to.points.columns;
    const double unit = (1 + 1e-9) / *std::min_element(scaled + HEAD, scaled + HEAD + d);
    for (size_t v = 0; v < count; ++v) {
        const double* row = vertices.rows[v] + HEAD;
        for (size_t q = 0; q < d; ++q) to.points[v][q] = row[q];
        to.error[v] = up32(vertices.residual(v) * double(vertices.amplification(v)) * unit);
    }
    std::copy(vertices.zeros.data, vertices.zeros.data + count * d, to.zeros.data);
    std::copy(vertices.faces.data, vertices.faces.data + count, to.faces.data);
    std::copy(vertices.fingerprint.data, vertices.fingerprint.data + count, to.words.data);
}

/// The columns of edge rows.
struct EdgeColumns {
    Grid<std::int32_t> ends;
    Grid<std::int16_t> zeros;
    Line<std::int32_t> faces;
    Line<std::uint8_t> up;  // 1 or 0, or 2 where it is not known
    Line<Word> words;
};

/// `EdgeColumns::up` for each value of the bits UP and KNOWN of an edge, one byte each.
constexpr Word UPWARDS = 0x01000202;

/// Copies the columns of all edge rows; the last block's signs are added to the fingerprints.
template <size_t D>
void copy_edges(const EdgesOf<D>& given, const Vertices& of, const Word* table, const EdgeColumns& to) {
    // copies of all that the loop reads: it writes bytes, which could be anything
    const EdgesOf<D> edges = given;
    const Vertices vertices = of;
    std::int32_t *const ends = to.ends.data, *const faces = to.faces.data;
    std::int16_t* const zeros = to.zeros.data;
    std::uint8_t* const up = to.up.data;
    Word* const words = to.words.data;
    const size_t count = to.ends.rows, zero_count = D ? D - 1 : to.zeros.columns;
    const auto run = [&](auto far) {
        for (size_t i = 0; i < count; ++i) {
            ask_for_signs<far>(edges, vertices, i, count);
            const std::int32_t *own = edges.ends(i), marks = edges.marks(i);
            std::memcpy(ends + 2 * i, own, 2 * sizeof(std::int32_t));
            std::memcpy(zeros + i * zero_count, edges.zeros(i), zero_count * sizeof(std::int16_t));
            faces[i] = marks & FACE_BITS;
            up[i] = std::uint8_t(UPWARDS >> 8 * (marks >> UP_BIT & 3));
            words[i] = edges.base(i) + word_sum(table, vertices.now(size_t(own[0])) | vertices.now(size_t(own[1])));
        }
    };
    count > NEARBY ? run(std::true_type{}) : run(std::false_type{});
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
