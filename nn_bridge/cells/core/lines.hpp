// Cells that contain whole lines: where a unit crosses one, the cell's generators move along it into the unit's zero set.
//
// Directions that no unit has seen yet (skip connections, or what a domain leaves free) are lines of a cell; its generators
// lie on the hyperplanes where the coordinates of the lines are 0.  Once a unit crosses a line, the line's two directions
// become rays.  All of it is done in integers: it happens at most once for each line on the way to a cell.
// Source: the double description method with lineality (Fukuda and Prodon 1996, section 3).
#pragma once
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "counting.hpp"

namespace puiseux::cells {

template <class S>
class LineCutting : public Counting<S> {
    using Base = Counting<S>;

public:
    using typename Base::Set;
    using Base::Base;

protected:
    using Base::arena_, Base::owner_, Base::problem_, Base::shape_, Base::watch_;
    using Lines = std::vector<int>;     // the coordinates of the lines that no unit has cut yet

    int wall_place_ = 0;                // the first of the walls' words in a set of zeros
    std::vector<int> zero_place_;       // .. and of each stage's

    /// A line's one end, the generators moved along it into a unit's zero set (whose slot is given), and its other end.
    PUISEUX_RARELY Word* moved_along(Cell cell, int stage, int slot, int axis, const Integers& row, Integers direction) {
        Integer slope = dot(row, direction);
        if (slope.sign() < 0) {
            slope.negate();
            for (Integer& z : direction) z.negate();
        }
        const int stride = shape_.stride(), count = cell.count;
        Word* out = arena_.take(size_t(count + 2) * size_t(stride));  // the end below, the moved ones, the end above
        const int axis_slot = slot_of_axis(axis);
        for (int t = 0; t < count; ++t) {
            Word* g = out + std::ptrdiff_t(t + 1) * stride;
            const Integers old = this->exact_point(cell[t], stage);
            const Integer value = dot(row, old);
            Integers moved(old.size());
            for (size_t c = 0; c < old.size(); ++c) moved[c] = slope * old[c] - value * direction[c];
            shape_.copy(g, cell[t]);
            shape_.facets(g)[axis_slot >> 6] &= ~bit(axis_slot);
            shape_.facets(g)[slot >> 6] |= bit(slot);
            fresh_signs(g, stage, moved);
        }
        Units<S::W> used(shape_.facet_words());
        for (Word* g : cell) used |= shape_.facet_set(g);
        used.add(0), used.drop(axis_slot);
        for (const bool above : {false, true}) {
            Word* g = out + (above ? std::ptrdiff_t(count + 1) * stride : 0);
            std::memset(g, 0, sizeof(Word) * size_t(stride));
            used.store(shape_.facets(g));
            for (int s = 0; s < stage; ++s)  // all finished units, and the walls, vanish along the line
                for (int j = 0; shape_.zero_words() && j < problem_.stages[size_t(s)].units; ++j)
                    shape_.zeros(g)[zero_place_[size_t(s)] + (j >> 6)] |= bit(j);
            for (int i = 0; shape_.zero_words() && i < int(problem_.walls.size()); ++i) shape_.zeros(g)[wall_place_ + (i >> 6)] |= bit(i);
            Integers end = direction;
            if (!above)
                for (Integer& z : end) z.negate();
            fresh_signs(g, stage, end);
        }
        return out;
    }

    PUISEUX_RARELY bool any_crossing(int stage, const std::vector<Integers>& directions) {
        for (int j = 0; j < problem_.stages[size_t(stage)].units; ++j)
            for (const Integers& d : directions)
                if (sign_of_dot(this->exact_row(stage, j), d)) return true;
        return false;
    }

    int slot_of_axis(int axis) const {
        for (int slot = 0; slot < int(problem_.slots.size()); ++slot)
            if (problem_.slots[size_t(slot)].kind == Facet::AXIS && problem_.slots[size_t(slot)].number == axis) return slot;
        throw Contradiction("a line without an axis; please report this network");
    }

    PUISEUX_RARELY void fresh_signs(Word* g, int stage, const Integers& v) {
        for (int q = 0; q < shape_.words(); ++q) shape_.positive(g)[q] = shape_.negative(g)[q] = 0;
        shape_.error(g) = round_to_row(v, problem_.whole, shape_.last(), shape_.x(g));
        for (int j = 0; j < problem_.stages[size_t(stage)].units; ++j) this->store_sign(g, j, sign_of_dot(this->exact_row(stage, j), v));
        watch_.spend(problem_.stages[size_t(stage)].units * this->dim() * 8);
    }

    /// The cell's lines: for each the direction with coordinate > 0 on its axis and 0 on the other lines' axes.
    PUISEUX_RARELY std::vector<Integers> line_directions(Cell cell, const Lines& lines) {
        Units<S::W> used(shape_.facet_words());
        for (Word* g : cell) used |= shape_.facet_set(g);
        std::vector<Integers> rows;
        used.each([&](int slot) {
            const Facet f = owner_[size_t(slot)];
            if (f.kind >= 0 || (f.kind == Facet::WALL && f.number >= 0)) rows.push_back(this->exact_row(f));
        });
        std::vector<Integers> found;
        const size_t n = size_t(this->dim());
        for (const int axis : lines) {
            IntegerMatrix m(rows.size() + lines.size() - 1, n);
            size_t at = 0;
            for (const Integers& row : rows) std::copy(row.begin(), row.end() - 1, m.row(at++).begin());
            for (const int other : lines)
                if (other != axis) m.at(at++, size_t(other)) = 1;
            std::optional<Integers> v = null_vector(std::move(m));
            if (!v || (*v)[size_t(axis)].is_zero()) throw Contradiction("the lines of a cell are not what its facets say");
            if ((*v)[size_t(axis)].sign() < 0)
                for (Integer& z : *v) z.negate();
            v->push_back(0);
            found.push_back(std::move(*v));
        }
        return found;
    }
};

}  // namespace puiseux::cells
