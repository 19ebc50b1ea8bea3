// What lines.hpp promises, in integers.
#include "lines.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace puiseux::cells {

void LineCutting::move_along(Cell cell, int stage, int slot, int axis, const Integers& row, Integers direction, Word* out) {
    Integer slope = dot(row, direction);
    if (slope.sign() < 0) {
        slope.negate();
        for (Integer& z : direction) z.negate();
    }
    const int stride = any_.stride(), count = cell.count;
    const int axis_slot = slot_of_axis(axis);
    for (int t = 0; t < count; ++t) {
        Word* g = out + std::ptrdiff_t(t + 1) * stride;
        const Integers old = exact_point(cell[t], stage);
        const Integer value = dot(row, old);
        Integers moved(old.size());
        for (size_t c = 0; c < old.size(); ++c) moved[c] = slope * old[c] - value * direction[c];
        any_.copy(g, cell[t]);
        any_.facets(g)[axis_slot >> 6] &= ~bit(axis_slot);
        any_.facets(g)[slot >> 6] |= bit(slot);
        fresh_signs(g, stage, moved);
    }
    std::vector<Word> used = facets_used(cell);
    used[0] |= 1, used[size_t(axis_slot >> 6)] &= ~bit(axis_slot);
    for (const bool above : {false, true}) {
        Word* g = out + (above ? std::ptrdiff_t(count + 1) * stride : 0);
        std::memset(g, 0, sizeof(Word) * size_t(stride));
        std::copy(used.begin(), used.end(), any_.facets(g));
        for (int s = 0; s < stage; ++s)  // all finished units, and the walls, vanish along the line
            for (int j = 0; any_.zero_words() && j < problem_.stages[size_t(s)].units; ++j) add_members(any_.zeros(g), places_.stage[size_t(s)] + j, 1);
        for (int i = 0; any_.zero_words() && i < int(problem_.walls.size()); ++i) add_members(any_.zeros(g), places_.walls + i, 1);
        Integers end = direction;
        if (!above)
            for (Integer& z : end) z.negate();
        fresh_signs(g, stage, end);
    }
}

LineCutting::LineCrossing LineCutting::first_crossing(int stage, int begin, int end, const Lines& lines, const std::vector<Integers>& directions) {
    for (int j = begin; j < end; ++j)
        for (int k = 0; k < int(lines.size()); ++k)
            if (sign_of_dot(exact_row(stage, j), directions[size_t(k)])) return {j, lines[size_t(k)], k};
    return {-1, 0, 0};
}

int LineCutting::slot_of_axis(int axis) const {
    for (int slot = 0; slot < int(problem_.slots.size()); ++slot)
        if (problem_.slots[size_t(slot)].kind == Facet::AXIS && problem_.slots[size_t(slot)].number == axis) return slot;
    throw Contradiction("a line without an axis; please report this network");
}

/// The facets of which some generator of a cell is on, as words.
std::vector<Word> LineCutting::facets_used(Cell cell) const {
    std::vector<Word> used(size_t(any_.facet_words()));
    for (Word* g : cell)
        for (size_t q = 0; q < used.size(); ++q) used[q] |= any_.facets(g)[q];
    return used;
}

void LineCutting::fresh_signs(Word* g, int stage, const Integers& v) {
    for (int q = 0; q < any_.words(); ++q) any_.positive(g)[q] = any_.negative(g)[q] = 0;
    any_.error(g) = round_to_row(v, problem_.whole, any_.last(), any_.x(g));
    for (int j = 0; j < problem_.stages[size_t(stage)].units; ++j) store_sign(g, j, sign_of_dot(exact_row(stage, j), v));
    watch_.spend(problem_.stages[size_t(stage)].units * dim() * 8);
}

std::vector<Integers> LineCutting::line_directions(Cell cell, const Lines& lines) {
    std::vector<Integers> rows;
    for (const Facet f : owners(facets_used(cell).data()))
        if (f.kind >= 0 || (f.kind == Facet::WALL && f.number >= 0)) rows.push_back(exact_row(f));
    std::vector<Integers> found;
    const size_t n = size_t(dim());
    for (const int axis : lines) {
        std::vector<Integers> own = rows;
        for (const int other : lines)
            if (other != axis) own.emplace_back(n)[size_t(other)] = 1;
        std::optional<Integers> v = null_vector_of(std::move(own), n);
        if (!v || (*v)[size_t(axis)].is_zero()) throw Contradiction("the lines of a cell are not what its facets say");
        if ((*v)[size_t(axis)].sign() < 0)
            for (Integer& z : *v) z.negate();
        v->push_back(0);
        found.push_back(std::move(*v));
    }
    return found;
}

}  // namespace puiseux::cells
