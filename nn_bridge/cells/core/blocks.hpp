// The facets between cells of one map, of all cells that a few units cut a cell of the last stage into, without a cut.
//
// Lemma.  Let B be a cell of the last stage, without lines, and K the units that cut it; a cell of the network in B is the
// set L_p where these have the signs p, and P are the p whose L_p is not empty.
// (a) L_p has a facet on a facet F of B iff there is a point of F at which all units of K have the signs p strictly.  The
//     units and walls that vanish on that facet are those that vanish on all generators of F.
// (b) Where k in K is the only unit that vanishes on a facet between two cells in B, these are L_p and L_q with p and q
//     different in k alone; and if both are in P, they share a facet, on which k vanishes and no other unit of K.
// (c) The facets on which single units vanish are those that F or k name, and no others, unless some units vanish on all of B.
// Proof.  All units are affine on B.  (a) Near such a point in F, on the side of B, lies L_p.  If L_p has a facet in F, no unit
// of K vanishes on all of F, as it cuts B, so at most points of the facet the signs are strict.  A unit that vanishes on a part of F
// of the same dimension vanishes on F, and it does so iff it vanishes on the generators.  (b) The segment between two
// points of L_p and L_q crosses the zero set of k, all other units of K keep their signs on it, and units that do not cut B
// vanish nowhere in its interior unless they vanish on B.  (c) A facet lies in the boundary of B or in its interior.
//
// Where P has as many members as hyperplanes in general position allow, or P holds three of four, no two units of K vanish
// on one hyperplane; of two that do, P shows {--, ++} or {+-, -+}, and they vanish together.
// The maps on both sides of a facet on which one unit alone vanishes are equal iff the outputs do not move with it (faces.hpp).
// So most facets need no look: first the derivatives are found, for all cells of B as sums over K, and only where one is zero the signs on F.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "faces.hpp"
#include "writer.hpp"

namespace puiseux::cells {

template <class S>
class BlockFacets : public Faces<S> {
    using Base = Faces<S>;

public:
    using typename Base::Set;
    using Numbers = typename LeafWriter<Set>::Numbers;

    BlockFacets(const S& shape, Walk& walk) : Base(shape, walk) {}

    /// Find the facets that may join cells, or return false where signs and values do not tell.
    ///
    /// `rest` are the positive units of the last stage that do not cut the block, `patterns` is P, as the bits of a word;
    /// most_cells(k) the most cells that k hyperplanes cut a facet into; quadrants(members, a, b, shown) tells which
    /// quadrants of two units the face with these generators meets, or -1.
    template <class MostCells, class Quadrants>
    bool find(Cell cell, int stage, int place, const std::vector<Set>& active, const Set& rest, const Set& cut, Word patterns, MostCells&& most_cells,
              Quadrants&& quadrants) {
        this->collect(cell, stage, place);
        zw_ = shape_.zero_words(), count_ = cell.count;
        found_.clear(), closures_.clear(), candidates_.clear();
        units_ = 0;
        cut.each([&](int k) { unit_[units_++] = k; });
        for (int t = 0; t < count_; ++t)
            if (this->vertex_[t] && this->on_[size_t(t)] <= shape_.dim())
                for (int q = 0; q < zw_; ++q) this->simple_[q] |= this->key(q, count_)[t];
        for (int q = 0; q < int(this->places_.size()); ++q) {
            const int r = q - place;
            Word bits = this->some_[q];
            if (r >= 0 && r < shape_.words() && this->places_[size_t(q)].stage == stage) bits &= ~cut[r];
            for (; bits; bits &= bits - 1) consider(q, std::countr_zero(bits));
        }
        Word nothing = 0;
        for (int q = 0; q < zw_; ++q) nothing |= this->common_[q];
        if (patterns != 1 || !candidates_.empty()) weigh(stage, place, active, rest, cut, patterns, nothing != 0);
        if (units_) note_signs(cell, cut);
        for (Candidate& c : candidates_) {
            if (!c.joins) continue;
            const Word met = met_on(c, most_cells, quadrants);
            if (!met) return false;
            if (c.joins &= met) found_.push_back(c);
        }
        return true;
    }

    /// Write what was found; `numbers` are those of the leaves by pattern, -1 where one is not written.
    void write_found(const Numbers& numbers) {
        Batch& b = this->walk_.batch;
        for (const Candidate& c : found_)
            for (Word left = c.joins; left; left &= left - 1) {
                const std::int64_t leaf = numbers[size_t(std::countr_zero(left))];
                if (leaf < 0) continue;
                if (c.zeros == ALONE) {
                    b.facet_zeros.resize(b.facet_zeros.size() + size_t(zw_));
                    b.facet_zeros[b.facet_zeros.size() - size_t(zw_ - c.q)] = bit(c.bit);
                } else {
                    const Word* zeros = &closures_[c.zeros];
                    b.facet_zeros.insert(b.facet_zeros.end(), zeros, zeros + zw_);
                }
                b.facet_leaf.push_back(leaf);
            }
    }

private:
    using Base::shape_;
    static constexpr size_t ALONE = ~size_t{0};

    struct Candidate {
        int q, bit;                     // a bit of the sets of zeros that the facet has; q < 0 inside the block
        bool single;                    // whether it is the only one
        size_t zeros;                   // where its set of zeros begins; ALONE where that is the bit alone, as at a simple vertex
        Word joins;                     // patterns of the cells that it may join to others
    };
    int zw_ = 0, count_ = 0, units_ = 0;
    std::array<int, FEW> unit_{};
    std::vector<Candidate> candidates_, found_;
    std::vector<Word> closures_;
    std::vector<std::uint8_t> above_, below_;  // by generator: the units of the block that are positive, and negative
    std::vector<int> members_;

    /// Take up the facet of the block that a bit cuts out, if it is one, no earlier bit cuts it out, and cells lie behind it.
    void consider(int q, int i) {
        const size_t begin = closures_.size();
        if (this->simple_[q] >> i & 1) {
            candidates_.push_back({q, i, true, ALONE, 0});
            return;
        }
        if (!this->is_facet(count_, zw_, q, i, shape_.dim(), closures_)) return;
        int zeros = 0;
        Word walls = 0;
        for (int r = 0; r < zw_; ++r) {
            zeros += bits_of(closures_[begin + size_t(r)]);
            if (r >= int(this->places_.size())) walls |= closures_[begin + size_t(r)];
        }
        if (walls) closures_.resize(begin);
        else candidates_.push_back({q, i, zeros == 1, begin, 0});
    }

    /// Find the cells that facets may join: by the derivatives where one unit vanishes, else all.
    void weigh(int stage, int place, const std::vector<Set>& active, const Set& rest, const Set& cut, Word patterns, bool dead) {
        auto& gradients = this->gradients();
        gradients.find(active, rest);
        gradients.find_steps(active, unit_.data(), units_);
        for (Candidate& c : candidates_) c.joins = c.single ? patterns & this->may_join_with(c.q, c.bit, units_) : patterns;
        if (units_ == 2 && (patterns == 0b1001 || patterns == 0b0110)) return inside(place, cut, patterns);  // both at once
        for (int k = 0; k < units_; ++k) {
            if (!dead && !gradients.is_zero(stage, unit_[size_t(k)])) continue;
            const Word up = patterns & WITH[k], down = patterns & ~WITH[k];
            const int step = 1 << k;
            const Word pairs = (up & down << step) | (down & up >> step);
            if (!pairs) continue;
            Set only = shape_.none();
            only.add(unit_[size_t(k)]);
            inside(place, only, pairs);
        }
    }

    /// Facets inside the block, on which some of its units vanish.
    void inside(int place, const Set& zero, Word joins) {
        const size_t begin = closures_.size();
        closures_.insert(closures_.end(), this->common_, this->common_ + zw_);
        zero.each([&](int k) { closures_[begin + size_t(place + (k >> 6))] |= bit(k); });
        found_.push_back({-1, 0, false, begin, joins});
    }

    void note_signs(Cell cell, const Set& cut) {
        above_.resize(size_t(count_)), below_.resize(size_t(count_));
        const Members<FEW> members(cut);
        for (int t = 0; t < count_; ++t) {
            above_[size_t(t)] = std::uint8_t(members.in(shape_.positive(cell[t])));
            below_[size_t(t)] = std::uint8_t(members.in(shape_.negative(cell[t])));
        }
    }

    /// The patterns of the cells that have a facet on one of the block's; 0 if that is not known.
    template <class MostCells, class Quadrants>
    Word met_on(const Candidate& c, MostCells&& most_cells, Quadrants&& quadrants) {
        if (units_ == 0) return 1;
        const Word* keys = this->key(c.q, count_);
        unsigned above = 0, below = 0;
        for (int t = 0; t < count_; ++t) {
            const unsigned here = 0 - unsigned(keys[t] >> c.bit & 1);
            above |= above_[size_t(t)] & here, below |= below_[size_t(t)] & here;
        }
        const unsigned both = above & below, fixed = above & ~below;
        if (!both) return bit(int(fixed));
        const int cuts = bits_of(both);
        if (cuts == 1) return bit(int(fixed)) | bit(int(fixed | both));
        Word shown = 0;
        members_.clear();
        for (int t = 0; t < count_; ++t)
            if (keys[t] >> c.bit & 1) members_.push_back(t);
        for (const int t : members_)
            if (((above_[size_t(t)] | below_[size_t(t)]) & both) == both) shown |= bit(int((above_[size_t(t)] & both) | fixed));
        if (bits_of(shown) == most_cells(cuts)) return shown;
        if (cuts != 2) return 0;
        const unsigned a = both & -both, b = both & ~a;
        const int pattern[4] = {int(fixed), int(fixed | a), int(fixed | b), int(fixed | a | b)};
        int met = 0;
        for (int quadrant = 0; quadrant < 4; ++quadrant) met |= int(shown >> pattern[quadrant] & 1) << quadrant;
        met = quadrants(members_, unit_[size_t(std::countr_zero(a))], unit_[size_t(std::countr_zero(b))], met);
        if (met < 0) return 0;
        shown = 0;
        for (int quadrant = 0; quadrant < 4; ++quadrant)
            if (met >> quadrant & 1) shown |= bit(pattern[quadrant]);
        return shown;
    }
};

}  // namespace puiseux::cells
