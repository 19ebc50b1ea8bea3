// What a run hands over: leaves in batches of arrays, with patterns, residues of affine maps and, where wanted, faces.
// Source of the residues: identity testing at random points (Schwartz 1980; Zippel 1979).
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "network.hpp"
#include "spares.hpp"

namespace puiseux::cells {

/// JOINS: FACES without coordinates and rays; CHOSEN: of these only the faces that may join cells of one map; NEIGHBOURS: no
/// faces, but the units that surely vanish alone on facets.
enum class Emit { NOTHING = 0, PATTERNS = 1, FACES = 2, JOINS = 3, CHOSEN = 4, NEIGHBOURS = 5 };
inline bool with_zeros(Emit emit) { return emit != Emit::NOTHING && emit != Emit::PATTERNS; }
inline bool with_faces(Emit emit) { return with_zeros(emit) && emit != Emit::NEIGHBOURS; }
inline bool without_coordinates(Emit emit) { return with_zeros(emit) && emit != Emit::FACES; }

/// Leaves side by side.  A generator or facet names its leaf, counted over the whole run.
struct Batch {
    static constexpr std::int64_t MOST_AT_ONCE = 1 << 15;
    std::int64_t leaves = 0;
    std::vector<Word> patterns;             // stages * words a leaf
    std::vector<std::uint64_t> prints;
    std::vector<std::int64_t> numbers;      // of the leaves, counted over the whole run
    std::vector<std::uint8_t> begins;       // 1 for the first leaf of a run and the first below a cell of the last stage
    std::vector<std::int64_t> generator_leaf, facet_leaf;
    std::vector<std::uint8_t> generator_ray;
    std::vector<double> coordinates;        // dim + 1 a generator, w last
    std::vector<double> errors;             // by which they may be off, once a generator
    std::vector<Word> generator_zeros, facet_zeros;
    std::vector<Word> neighbours;           // as `patterns`: units that surely vanish alone on facets of the leaf

    /// Make room for so many leaves with patterns of `columns` words, at once: growing step by step takes the memory anew.
    void reserve(std::int64_t count, std::size_t columns, bool with_neighbours) {
        const auto n = std::size_t(std::min<std::int64_t>(count, MOST_AT_ONCE));
        Spares<std::vector<Word>>::reserve(patterns, n * columns), Spares<std::vector<std::uint64_t>>::reserve(prints, n);
        Spares<std::vector<std::int64_t>>::reserve(numbers, n), Spares<std::vector<std::uint8_t>>::reserve(begins, n);
        if (with_neighbours) Spares<std::vector<Word>>::reserve(neighbours, n * columns);
    }
    void clear() {
        leaves = 0;
        patterns.clear(), prints.clear(), numbers.clear(), begins.clear(), generator_leaf.clear(), facet_leaf.clear();
        generator_ray.clear(), coordinates.clear(), errors.clear(), generator_zeros.clear(), facet_zeros.clear(), neighbours.clear();
    }
};

constexpr std::uint64_t MERSENNE = (std::uint64_t{1} << 31) - 1;

/// Something with the same residue, below 2^31 + 2^33.
PUISEUX_INLINE std::uint64_t folded(std::uint64_t t) { return (t & MERSENNE) + (t >> 31); }
inline std::uint64_t reduced(std::uint64_t t) {
    t = folded(folded(t));
    return t >= MERSENNE ? t - MERSENNE : t;
}

/// The integer network modulo 2^31 - 1: forms evaluated at two random points, outputs combined at random.  Equal affine
/// maps have equal residues; equal residues are confirmed exactly elsewhere.
struct ResidueNetwork {
    struct Block {
        int source, inputs;
        std::vector<std::uint32_t> weights;  // input-major, units a row
        std::vector<std::uint32_t> by_unit;  // the same unit-major
        struct Span {
            int begin = 0, end = 0;
        };
        std::vector<Span> spans;             // by unit: from the first weight that is not zero to the last
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

    /// The forms of the last stage are needed for the outputs alone: weigh them by the outputs' weights once for all.
    PUISEUX_RARELY void finish() {
        Stage& last = stages.back();
        if (last.read) {
            for (auto& values : last.base)
                for (size_t j = 0; j < values.size(); ++j) values[j] = reduced(values[j] * last.out[j]);
            for (Block& block : last.blocks)
                for (size_t k = 0; k < block.weights.size(); ++k)
                    block.weights[k] = std::uint32_t(reduced(block.weights[k] * last.out[k % size_t(last.units)]));
        }
        for (Stage& s : stages)
            for (Block& block : s.blocks) {
                block.by_unit.resize(block.weights.size());
                for (int i = 0; i < block.inputs; ++i)
                    for (int j = 0; j < s.units; ++j) block.by_unit[size_t(j * block.inputs + i)] = block.weights[size_t(i * s.units + j)];
                block.spans.resize(size_t(s.units));
                for (int j = 0; j < s.units; ++j)
                    for (int i = 0; i < block.inputs; ++i)
                        if (block.by_unit[size_t(j * block.inputs + i)]) {
                            Block::Span& span = block.spans[size_t(j)];
                            span = {span.end ? span.begin : i, i + 1};
                        }
            }
    }
};

/// Residues of the forms of all stages on the way to a cell.
template <class Set>
class Residues {
public:
    PUISEUX_RARELY Residues(const ResidueNetwork& network, int words) : network_(network), before_(network.stages.size(), network.constants) {
        for (const auto& s : network.stages) {
            State& now = states_.emplace_back(State{{}, {}, {}, 0});
            for (int lane = 0; lane < 2; ++lane) now.value[lane].assign(size_t(s.units), 0);
            for (size_t b = 0; b < s.blocks.size(); ++b) now.active.emplace_back(words), now.version.push_back(0);
        }
    }

    /// Take note that the pattern of a stage has changed, -1 for the input.
    void changed(int stage) {
        from_ = std::min(from_, stage + 1), before_from_ = std::min(before_from_, std::max(stage, 0));
    }

    /// Sums with the residues of the outputs; few units of the last stage can be added to them one by one.
    using Sums = std::array<std::uint64_t, 2>;
    /// Those where the given units of the last stage are active, and of the stages before those of the pattern; `more`: some are to be added.
    Sums sums(const std::vector<Set>& active, const Set& last_active, bool more) {
        for (; before_from_ + 1 < int(states_.size()); ++before_from_) {
            const auto s = size_t(before_from_);
            before_[s + 1] = before_[s];
            if (!network_.stages[s].read || !active[s].any()) continue;
            follow_all(active);
            active[s].each([&](int i) {
                for (size_t lane : {0, 1})
                    before_[s + 1][lane] = folded(before_[s + 1][lane] + reduced(states_[s].value[lane][size_t(i)]) * network_.stages[s].out[size_t(i)]);
            });
        }
        Sums total = before_.back();
        if (network_.stages.back().read && (more || last_active.any())) {
            follow_all(active);
            last_active.each([&](int i) { add(total, i); });
        }
        return total;
    }
    void add(Sums& total, int unit) const {
        if (!network_.stages.back().read) return;
        for (size_t lane : {0, 1}) total[lane] += states_.back().value[lane][size_t(unit)];
    }
    /// Whether the outputs may be the same with and without a unit of a stage: it is found out for the stage before the last,
    /// where of the units of the last stage these are active.
    bool may_be_still(int stage, int unit, const Set& last_active) const {
        if (stage + 2 != int(network_.stages.size())) return true;
        const auto& own = network_.stages[size_t(stage)];
        const auto& last = network_.stages.back();
        std::uint64_t sum = own.read ? own.out[size_t(unit)] : 0;
        for (const auto& block : last.blocks)
            if (last.read && block.source == stage) last_active.each([&](int j) { sum += block.by_unit[size_t(j * block.inputs + unit)]; });
        return reduced(sum) == 0;
    }
    /// The residues, packed into one word.
    static std::uint64_t packed(const Sums& total) { return reduced(total[0]) | reduced(total[1]) << 31; }

private:
    /// Make the residues of all stages follow a pattern; where no active unit is read they are not needed.
    void follow_all(const std::vector<Set>& active) {
        for (; from_ < int(states_.size()); ++from_) follow(from_, active);
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
        changes_.clear();
        for (size_t b = 0; b < s.blocks.size(); ++b) {
            const auto& block = s.blocks[b];
            const Set& on = active[size_t(block.source)];
            const State& below = states_[size_t(block.source)];
            (near ? on ^ now.active[b] : on).each([&](int i) {
                Change c{&block.weights[size_t(i) * size_t(s.units)], {}};
                for (int lane = 0; lane < 2; ++lane) {
                    const std::uint64_t z = reduced(below.value[lane][size_t(i)]);
                    c.factor[lane] = std::uint32_t(on.has(i) || z == 0 ? z : MERSENNE - z);
                }
                changes_.push_back(c);
            });
            now.active[b] = on, now.version[b] = below.stamp;
        }
        while (!changes_.empty() && changes_.size() % 3) changes_.push_back({changes_[0].weights, {0, 0}});
        if (!near)
            for (int lane = 0; lane < 2; ++lane) now.value[lane] = s.base[size_t(lane)];
        for (int lane = 0; lane < 2; ++lane) dispatch<WorkIn>(now.value[lane].data(), s.units, changes_, lane);
        now.stamp = ++clock_;
    }

    struct State {
        std::vector<std::uint64_t> value[2];  // below 2^34; those of the last stage are weighed for the outputs
        std::vector<Set> active;             // by block, when the residues were made
        std::vector<std::uint64_t> version;  // .. and the number of the residues below
        std::uint64_t stamp;
    };
    /// A unit by which residues change: its weights on the stage, and its own residues, or their negatives.
    struct Change {
        const std::uint32_t* weights;
        std::uint32_t factor[2];
    };
    const ResidueNetwork& network_;
    std::vector<State> states_;
    std::vector<Change> changes_;
    std::uint64_t clock_ = 0;
    std::vector<Sums> before_;          // by stage: of the stages before it
    int before_from_ = 0;               // the first stage whose share is to be added up anew
    int from_ = 0;                      // the first stage whose residues may be those of another pattern

    /// Adds the changes, three at a time: products are below 2^62, so three and a folded number fit.
    struct WorkIn {
        PUISEUX_INLINE static void run(std::uint64_t* value, int units, const std::vector<Change>& changes, int lane) {
            for (size_t k = 0; k + 2 < changes.size(); k += 3) {
                const std::uint32_t *w0 = changes[k].weights, *w1 = changes[k + 1].weights, *w2 = changes[k + 2].weights;
                const std::uint64_t f0 = changes[k].factor[lane], f1 = changes[k + 1].factor[lane], f2 = changes[k + 2].factor[lane];
                for (int j = 0; j < units; ++j)
                    value[j] = folded(value[j] + std::uint64_t(w0[j]) * std::uint32_t(f0) + std::uint64_t(w1[j]) * std::uint32_t(f1) +
                                      std::uint64_t(w2[j]) * std::uint32_t(f2));
            }
        }
    };
};

}  // namespace puiseux::cells
