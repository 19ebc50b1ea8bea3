// Cuts the edges by the neurons of a block: new vertices, halves of edges, and edges between new vertices.
//
// One pass over the edges that a neuron cuts does everything, some at a time: the new vertices are made, their 2-faces are
// looked up among those of the edges before, and where one is found two vertices are joined.  Each of these is a loop of
// its own, in which little depends on what can't be foreseen.  Only doubtful signs interrupt the pass.
// Source: edge subdivision, Berzins 2023.
#pragma once
#include <algorithm>
#include <cstdint>

#include "joining.hpp"

namespace puiseux::edges {

enum Status { DONE, NEED_ROOM, DOUBT };

constexpr size_t ROW_AHEAD = 8;  // turns between asking for memory and using it
constexpr size_t CACHE_LINE = 8;  // numbers in a line of the cache

/// Makes the vertices of the cuts from `begin` on, of which there are up to TILE; returns the doubts found so far.
///
/// Each vertex is a chain of steps that wait for one another, so all take one step before any takes the next.
template <size_t D>
PUISEUX_INLINE size_t make_vertices(const Cutting<D>& c, size_t begin, size_t end, size_t last, size_t found) {
    const std::int32_t* order = c.work.order.data;
    Draft drafts[TILE];
    const auto ask = [&](size_t j) {
        prefetch(c.edges.words[size_t(order[std::min(j + TILE, last)])]);
        Draft& draft = drafts[j - begin];
        draft.edge = size_t(order[j]);
        const std::int32_t* ends = c.edges.ends(draft.edge);
        for (const size_t v : {draft.a = size_t(ends[0]), draft.b = size_t(ends[1])}) {
            prefetch(&c.vertices.now(v));
            const double* row = c.vertices.rows[v];
            prefetch(row), prefetch(row + 2 * CACHE_LINE);  // processors take lines in pairs
            for (size_t q = 4 * CACHE_LINE; q < c.columns; q += 2 * CACHE_LINE) prefetch(row + q);
        }
    };
    const size_t early = std::min(begin + ROW_AHEAD, end);
    for (size_t j = begin; j < early; ++j) ask(j);
    for (size_t j = begin; j < end; ++j) {
        if (j + ROW_AHEAD < end) ask(j + ROW_AHEAD);
        place_vertex(c, j, drafts[j - begin]);
    }
    for (size_t j = begin; j < end; ++j) bound_vertex(c, j, drafts[j - begin]);
    for (size_t j = begin; j < end; ++j) finish_vertex(c, j, drafts[j - begin]);
    // of most edges no later neuron cuts either half: then no sign is open
    std::int32_t open[TILE + 1];
    size_t count = 0;
    for (size_t j = begin; j < end; ++j) {
        open[count] = std::int32_t(j - begin);
        count += drafts[j - begin].open != 0;
    }
    for (size_t q = 0; q < count; ++q) {
        const size_t own = size_t(open[q]);
        found = decide_signs(c, begin + own, drafts[own], found);
    }
    return found;
}

/// All cuts of one neuron, from where the block says; true where signs are open that must be decided first.
template <size_t D>
PUISEUX_INLINE bool cut_neuron(const Cutting<D>& c, Block& block) {
    const size_t cuts = size_t(block.cuts), half = size_t(block.edges);
    const Word mask = Word(block.capacity - 1);
    size_t made = size_t(block.made), joined = size_t(block.joined), n = size_t(block.next_edge), found = 0;
    while (joined < cuts) {
        if (made < cuts && (made == joined || found)) {
            const size_t stop = std::min(cuts, made + TILE);
            found = make_vertices(c, made, stop, cuts - 1, found);
            made = stop;
            continue;
        }
        if (found) break;
        const size_t stop = std::min(made, joined + TILE);
        n = join_vertices(c, block, joined, stop, half, n, mask);
        joined = stop;
    }
    block.made = Number(made), block.joined = Number(joined), block.next_edge = Number(n), block.found = Number(found);
    return found > 0;
}

/// Writes the edges of a bucket to `order` and gives its chunks back.
inline void list_bucket(size_t k, const Buckets& buckets, std::int32_t* order, Block& block) {
    Number chunk = buckets.head[k];
    const Number total = buckets.total(k);
    for (Number at = 0; at < total;) {
        std::int32_t* place = buckets.pool[size_t(chunk)];
        const Number part = std::min(CHUNK, total - at);
        std::copy(place + 1, place + 1 + part, order + at);
        at += part;
        const Number following = place[0];
        place[0] = std::int32_t(block.free);
        block.free = chunk;
        chunk = following;
    }
    buckets.empty(k);
}

/// Prepares the cuts of the block's present neuron; false where the arrays are too short for them.
template <size_t D>
bool begin_neuron(const Cutting<D>& c, Block& block) {
    const Number cuts = c.buckets.total(size_t(block.neuron));
    // every 2-face comes twice, unless the complex is pruned: at most three eighths of the table are used, else three quarters
    Number capacity = 16;
    while (3 * capacity < 4 * (cuts * block.longest + 2)) capacity *= 2;
    block.cuts = cuts;
    if (block.vertices + cuts > Number(c.vertices.rows.rows) ||
        block.edges + cuts + cuts * block.longest / 2 > Number(c.edges.words.rows) ||
        cuts > Number(c.work.order.size) || capacity > Number(c.work.slots.size))
        return false;
    list_bucket(size_t(block.neuron), c.buckets, c.work.order.data, block);
    std::fill(c.work.slots.data, c.work.slots.data + capacity, Word(0));
    block.capacity = capacity, block.next_edge = block.edges + cuts;
    block.made = block.joined = block.single = 0;
    block.begun = true;
    return true;
}

/// Cuts by the neurons from block.neuron on; returns DONE, NEED_ROOM or DOUBT, to be called again.
template <size_t D>
struct CutBlock {
    PUISEUX_INLINE static Status run(Cutting<D> c, Block& block) {
        c.dimension = size_t(block.dim), c.column = size_t(block.column), c.columns = size_t(block.columns);
        c.units = size_t(block.count), c.block_first = size_t(block.first);
        for (; block.neuron < block.count; ++block.neuron) {
            c.k = size_t(block.neuron), c.neuron = size_t(block.first + block.neuron);
            c.zero_word = c.names.zero[c.neuron];
            if (!block.begun) {
                if (c.buckets.head[c.k] < 0) continue;
                if (!begin_neuron(c, block)) return NEED_ROOM;
            }
            c.first = size_t(block.vertices);
            if (cut_neuron(c, block)) return DOUBT;
            block.begun = false;
            block.vertices += block.cuts;
            block.edges = block.next_edge;
            if (!block.tolerant) block.bad += block.single;
            if (block.bad) return DONE;
        }
        return DONE;
    }
};

/// Undoes the cuts of a neuron that was left half-way: the halves joined so far become whole edges again.
inline void take_back(const Block& block, const Edges& edges, const std::int32_t* order) {
    for (Number j = 0; j < block.joined; ++j)
        edges.ends(size_t(order[j]))[1] = edges.ends(size_t(block.edges + j))[1];
}

}  // namespace puiseux::edges
