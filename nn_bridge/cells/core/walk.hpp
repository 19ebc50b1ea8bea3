// Where a run stands, and what it is to do: shared by engines of all shapes.
//
// A position in the tree is a start cell and the decisions (stage, unit, side) that lead down from it; each decision knows
// whether the other side is still to be visited.  So the path alone says what is left, at any moment: a run that ends by
// an exception has nothing to tidy up, and goes on later by following the path again.
#pragma once
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include "covers.hpp"
#include "goals.hpp"
#include "groups.hpp"
#include "leaves.hpp"
#include "seen.hpp"
#include "leaf_trial.hpp"
#include "watch.hpp"

namespace puiseux::cells {

struct Step {
    int stage, unit;
    bool side;                      // true: where the unit is positive
    bool sibling;                   // whether the other side is still to be visited
};

struct Position {
    std::vector<Word> root{0};      // the number of the present start cell, in binary
    std::int64_t roots = 0;         // start cells that are left, the present one included
    std::vector<Step> path;

    bool root_bit(int i) const { return size_t(i >> 6) < root.size() && (root[size_t(i >> 6)] >> (i & 63) & 1); }
    void next_root() {
        path.clear(), --roots;
        for (Word& w : root)
            if (++w) return;
        root.push_back(1);
    }
};

/// A recorded path does not exist in this network.
struct BadPath : std::exception {
    const char* what() const noexcept override { return "a recorded path does not exist in this network; start the count anew"; }
};

/// A sign of a unit of the last stage, and a list of them: where all hold strictly on a closed cell, it is left out (misses.hpp).
struct Literal {
    int unit;
    bool positive;
};
using Miss = std::vector<Literal>;

struct Walk {
    const Problem& problem;
    const ResidueNetwork* residues = nullptr;
    bool counting = false;          // the last stage is counted only
    Emit emit = Emit::NOTHING;
    Counters counters;
    Watch watch;
    Batch batch;
    Position position;
    std::int64_t batch_leaves = 1 << 13, batch_faces = 1 << 18;  // a batch ends beyond
    std::int64_t cell_limit = std::int64_t{1} << 62;
    std::int64_t partial = 0;       // cells found in a count that was broken off
    std::int64_t leaf = 0;          // the number of the next leaf
    std::vector<std::uint8_t> select;  // by number: 1 for leaves to write, 2 for the first below a cell of the last stage
    bool skip = false;              // pass over cells of the last stage without a leaf to write
    std::vector<Word> unread;       // units of the last stage in which the cells of one leaf may differ (tree.hpp); empty for none
    Goals goals;                // leaves to go to alone
    SeenResidues seen;          // of leaves that were written with neighbours, or looked at
    CoverMask covers;           // in patterns of leaves: units that tell no maps apart where others are active
    SeenGroups groups;          // .. of leaves with neighbours: residues that came with one pattern, or with several
    bool looking = false;           // whether a batch is to end where many residues have been met
    std::int64_t met = 0;           // .. how many of the batch perhaps have
    Trial trial;                    // whether leaves that are written with neighbours go on being so
    std::vector<Miss> misses;       // cells to leave out
    std::int64_t left_out = 0;      // how many were, each of any stage
    bool begin = false;             // the next leaf is the first of a run
    double share = 0;               // of the tree that is done, where a start cell is 1 and each split halves
    size_t room = ~size_t{0};       // bytes by which storage may grow

    explicit Walk(const Problem& p) : problem(p) {}

    /// Decide whether the leaves that follow bring their neighbours.  Where that changes, the others of the batch have none.
    void decide() {
        trial.look(batch.prints);
        const bool joined = trial.verdict() == Trial::Verdict::JOINED;
        if (joined == (emit == Emit::NEIGHBOURS)) {
            met = 0;
            return;
        }
        emit = joined ? Emit::NEIGHBOURS : Emit::PATTERNS, looking = !joined, met = 0;
        if (joined) batch.neighbours.assign(batch.patterns.size(), 0);
        else batch.neighbours.clear();
    }

    /// Take note of units that others cover.
    void cover(std::vector<Cover> found) {
        const auto& stages = problem.stages;
        for (const Cover& c : found)
            if (c.of_stage < 0 || c.of_stage >= c.stage || c.stage >= int(stages.size()) || c.of_unit < 0 || c.of_unit >= stages[size_t(c.of_stage)].units ||
                c.unit < 0 || c.unit >= stages[size_t(c.stage)].units)
                throw std::out_of_range("there is no such unit");
        covers = CoverMask(std::move(found), [&](int stage, int unit) { return 64 * size_t(stage) * size_t(problem.words()) + size_t(unit); });
    }
    /// Whether they matter: not before it is known that leaves are joined.
    bool covering() const { return !covers.empty() && !trial.on(); }

    /// Word q of the units of the last stage that tell leaves apart.
    Word telling(int q) const {
        const int left = problem.stages.back().units - 64 * q;
        return (left >= 64 ? ~Word{0} : bit(left) - 1) & ~(size_t(q) < unread.size() ? unread[size_t(q)] : 0);
    }

    bool wanted(std::int64_t number) const { return size_t(number) >= select.size() || (select[size_t(number)] & 1); }
    bool none_wanted(std::int64_t from, std::int64_t count) const {
        for (std::int64_t i = from; i < from + count; ++i)
            if (wanted(i)) return false;
        return true;
    }
    /// How many leaves a cell of the last stage has that begins with the next one; 0 if one of them is to be written.
    std::int64_t none_wanted_below() const {
        size_t end = size_t(leaf);
        while (end < select.size()) {
            if (select[end] & 1) return 0;
            ++end;
            if (end < select.size() && (select[end] & 2)) break;
        }
        return std::int64_t(end) - leaf;
    }
    bool batch_full() {
        const bool repeating = looking && met > 32 + batch.leaves / 16;
        if (trial.due(batch.leaves) || (repeating && trial.on())) [[unlikely]] decide();
        else if (repeating) return true;
        return batch.leaves >= batch_leaves || std::int64_t(batch.generator_leaf.size() + batch.facet_leaf.size()) >= batch_faces;
    }
};

/// An engine of some shape.
class Engine {
public:
    virtual ~Engine() = default;
    /// Work from the walk's position on, to the end or until an exception; the position then says what is left.
    virtual void run() = 0;
};

}  // namespace puiseux::cells
