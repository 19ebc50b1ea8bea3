// What a run hands over: leaves in batches of arrays, with patterns, residues of affine maps and, where wanted, faces.
#pragma once
#include "network.hpp"

namespace puiseux::cells {

enum class Emit { NOTHING = 0, PATTERNS = 1, FACES = 2, JOINS = 3 };  // JOINS: FACES without coordinates and rays

/// Leaves side by side.  A generator or facet names its leaf, counted over the whole run.
struct Batch {
    std::int64_t leaves = 0;
    std::vector<Word> patterns;             // stages * words a leaf
    std::vector<std::uint64_t> prints;
    std::vector<std::uint8_t> begins;       // 1 for the first leaf of a run and the first below a cell of the last stage
    std::vector<std::int64_t> generator_leaf, facet_leaf;
    std::vector<std::uint8_t> generator_ray;
    std::vector<double> coordinates;        // dim + 1 a generator, w last
    std::vector<Word> generator_zeros, facet_zeros;

    void clear() {
        leaves = 0;
        patterns.clear(), prints.clear(), begins.clear(), generator_leaf.clear(), facet_leaf.clear();
        generator_ray.clear(), coordinates.clear(), generator_zeros.clear(), facet_zeros.clear();
    }
};

constexpr std::uint64_t MERSENNE = (std::uint64_t{1} << 31) - 1;

inline std::uint64_t reduced(std::uint64_t t) {
    t = (t & MERSENNE) + (t >> 31);
    t = (t & MERSENNE) + (t >> 31);
    return t >= MERSENNE ? t - MERSENNE : t;
}

/// The integer network modulo 2^31 - 1: forms evaluated at two random points, outputs combined at random.  Equal affine
/// maps have equal residues; equal residues are confirmed exactly elsewhere.
struct ResidueNetwork {
    struct Block {
        int source, inputs;
        std::vector<std::uint32_t> weights;  // input-major, units a row
    };
    struct Stage {
        int units;
        std::array<std::vector<std::uint64_t>, 2> base;  // of the forms before any unit
        std::vector<Block> blocks;
        std::vector<std::uint64_t> out;      // the outputs' weights on the units
        bool read = false;                   // whether the outputs read the stage
    };
    std::vector<Stage> stages;
    std::array<std::uint64_t, 2> constants{};
};

/// Residues of the forms of all stages on the way to a cell.
template <class Set>
class Residues {
public:
    Residues(const ResidueNetwork& network, int words) : network_(network) {
        for (const auto& s : network.stages) {
            State& now = states_.emplace_back(State{{}, {}, {}, {}, 0});
            for (int lane = 0; lane < 2; ++lane) now.value[lane].assign(size_t(s.units), 0), now.out[lane].assign(size_t(s.units), 0);
            for (size_t b = 0; b < s.blocks.size(); ++b) now.active.emplace_back(words), now.version.push_back(0);
        }
    }

    /// Make those of a stage follow the pattern of the stages before.  Additions are exact, so only changes are worked in.
    void follow(int stage, const std::vector<Set>& active) {
        State& now = states_[size_t(stage)];
        const auto& s = network_.stages[size_t(stage)];
        bool near = now.stamp != 0;
        for (size_t b = 0; b < s.blocks.size(); ++b) near = near && now.version[b] == states_[size_t(s.blocks[b].source)].stamp;
        bool same = near;
        for (size_t b = 0; b < s.blocks.size() && same; ++b) same = now.active[b] == active[size_t(s.blocks[b].source)];
        if (same) return;
        for (int lane = 0; lane < 2; ++lane) {
            std::vector<std::uint64_t>& value = now.value[lane];
            if (!near) value = s.base[size_t(lane)];
            for (size_t b = 0; b < s.blocks.size(); ++b) {
                const auto& block = s.blocks[b];
                const Set& on = active[size_t(block.source)];
                const State& below = states_[size_t(block.source)];
                int added = 0;
                (near ? on ^ now.active[b] : on).each([&](int i) {
                    const std::uint64_t z = below.value[lane][size_t(i)], f = on.has(i) ? z : z ? MERSENNE - z : 0;
                    const std::uint32_t* w = &block.weights[size_t(i) * size_t(s.units)];
                    for (int j = 0; j < s.units; ++j) value[size_t(j)] += w[j] * f;  // below 2^62; three of them fit
                    if (++added == 3) added = 0, reduce(value);
                });
                if (added) reduce(value);
            }
            for (int j = 0; j < s.units && s.read; ++j) now.out[lane][size_t(j)] = reduced(value[size_t(j)] * s.out[size_t(j)]);
        }
        for (size_t b = 0; b < s.blocks.size(); ++b) {
            now.active[b] = active[size_t(s.blocks[b].source)];
            now.version[b] = states_[size_t(s.blocks[b].source)].stamp;
        }
        now.stamp = ++clock_;
    }

    /// The residues of the outputs on a leaf, packed into one word.
    std::uint64_t output(const std::vector<Set>& active, const Set& last_active) const {
        std::uint64_t packed = 0;
        const int last = int(states_.size()) - 1;
        for (int lane = 0; lane < 2; ++lane) {
            std::uint64_t total = network_.constants[size_t(lane)];
            for (int s = 0; s <= last; ++s)
                if (network_.stages[size_t(s)].read)
                    (s == last ? last_active : active[size_t(s)]).each([&](int i) { total += states_[size_t(s)].out[lane][size_t(i)]; });
            packed |= reduced(total) << (31 * lane);
        }
        return packed;
    }

private:
    struct State {
        std::vector<std::uint64_t> value[2], out[2];
        std::vector<Set> active;             // by block, when the residues were made
        std::vector<std::uint64_t> version;  // .. and the number of the residues below
        std::uint64_t stamp;
    };
    const ResidueNetwork& network_;
    std::vector<State> states_;
    std::uint64_t clock_ = 0;

    static void reduce(std::vector<std::uint64_t>& value) {
        for (std::uint64_t& v : value) v = reduced(v);
    }
};

}  // namespace puiseux::cells
