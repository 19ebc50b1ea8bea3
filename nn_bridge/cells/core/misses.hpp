// Cells that a set of inputs misses: proven bounds of the last stage's units on a whole cell, before it is cut any further.
//
// A *miss* is a list of (unit, sign) of the last stage.  A cell is left out where for some miss all units have these signs,
// strictly, on the whole closed cell.  In the last stage the signs at the generators decide that exactly, so the leaves that
// are left do not depend on the bounds; in earlier stages the bounds save the work below.
//
// A last unit is positive on the cell if its lower bounds at the generators are not negative, and positive at all vertices
// (rays only add); ranges.hpp has the bounds.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "ranges.hpp"
#include "walk.hpp"

namespace puiseux::cells {

/// What does not depend on the shape of rows; it is compiled once (misses.cpp).
class MissProofs {
public:
    MissProofs(const Problem& problem, const AnyShape& shape);

    /// The operations that bounds take on a cell with so many generators, about.
    double effort(int stage, int units, int count) const;

    /// Whether bounds are likely to save more than their effort, on a cell of a stage that so many of its units cut.
    ///
    /// Lines in general position cut a polygon into some 1 + k + k^2 / 4 cells, and each later stage cuts these again; how
    /// often bounds prove a miss is learnt for each stage and size of cells.  Now and then they are asked for all the same.
    bool promising(int stage, bool inside, int units, int count);
    /// Note whether bounds proved a miss on a cell that lies so many decisions deep.
    void learn(int stage, int depth, bool inside, int units, bool gone);
    /// Whether bounds of a cell shortly before in the same stage were so far from a proof that this one goes without.
    bool resting(int stage, int depth);

    /// Whether the signs at the generators of a cell of the last stage prove a miss.
    bool surely(const std::vector<Miss>& misses, Cell cell) const;

    /// What the last proof found about a unit of the last stage at a generator: a middle and a radius.
    std::pair<double, double> bounds(int t, int unit) {
        RangesOfStage& found = ranges_.of(last_);
        return {found.middle_at(t)[unit], found.radius_at(t)[unit]};
    }

protected:
    /// Whether bounds can prove anything about a cell.
    bool usable(Cell cell) const;
    /// Whether they prove a miss, given the forms and patterns of the stages up to this one, and the next stage's forms where
    /// the units that are open are off.
    bool proves(const std::vector<Miss>& misses, Cell cell, int stage, const Word* open, const std::vector<FormTable>& forms,
                const std::vector<const Word*>& active, const FormTable& ahead);

private:
    /// How often bounds were asked for, proved a miss, and were passed over.
    struct Odds {
        std::int64_t tried = 0, gone = 0, passed = 0;
    };
    static constexpr double SPLIT = 1000;  // the operations that a cell is worth, about
    static constexpr int SIZES = 8;

    const Problem& problem_;
    AnyShape shape_;
    int last_;
    Ranges ranges_;
    bool usable_ = true;                // whether the weights of all later stages are known up to their last place
    std::vector<double> effort_;        // by stage: of the bounds of later stages from those of this one, a generator
    std::vector<bool> whole_;           // by stage: whether others than the next one read it
    int hopeless_ = 0, rest_stage_ = -1, rest_from_ = 0, rest_to_ = 0;
    std::vector<Odds> odds_;            // by stage, at its beginning or inside it, by the size of the number of units that cut

    Odds& odds_of(int stage, bool inside, int units);
};

/// The proofs on cells of some shape.
template <class S>
class Misses : public MissProofs {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY Misses(const Problem& problem, const S& shape) : MissProofs(problem, shape.any()) {
        const int stages = int(problem.stages.size());
        for (int s = 1; s < stages; ++s) ahead_.emplace_back(problem, shape, s), ahead_active_.emplace_back(size_t(stages), shape.none());
    }

    /// Whether bounds prove a miss on a cell of an earlier stage; `open` are its units that still cut the cell.
    bool provably(const std::vector<Miss>& misses, Cell cell, int stage, const Set& positive, const Set& open, const std::vector<Forms<S>>& forms,
                  const std::vector<Set>& active) {
        if (!usable(cell)) return false;
        // units that are on everywhere, or off, are part of the next stage's forms
        Forms<S>& ahead = ahead_[size_t(stage)];
        std::vector<Set>& pattern = ahead_active_[size_t(stage)];
        tables_.clear(), words_.clear();
        for (int s = 0; s <= stage; ++s) {
            pattern[size_t(s)] = s < stage ? active[size_t(s)] : positive - open;
            tables_.push_back(forms[size_t(s)].table()), words_.push_back(pattern[size_t(s)].data());
        }
        ahead.follow(forms, pattern, clock_);
        return proves(misses, cell, stage, open.data(), tables_, words_, ahead.table());
    }

private:
    std::vector<Forms<S>> ahead_;       // of stages 1, 2, ..: the forms where the units that are open one stage before are off
    std::vector<std::vector<Set>> ahead_active_;
    std::uint64_t clock_ = 0;
    std::vector<FormTable> tables_;     // of the stages up to the cell's
    std::vector<const Word*> words_;    // .. their patterns
};

}  // namespace puiseux::cells
