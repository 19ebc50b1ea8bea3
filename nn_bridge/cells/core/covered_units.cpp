// How units that others cover are found (covered_units.hpp).
//
// The integer form multiplies units by positive factors, and so does nothing to patterns.  So a unit covers another one that it reads
// with the weight -c, c > 0, where the rule holds once that one is multiplied by c: weights on it are divided by c.
#include "covered_units.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "integers.hpp"

namespace puiseux::cells {

namespace {

constexpr int MOST_UNITS = 1 << 12;

/// A weight with which a row reads a unit.
struct Weight {
    int stage, row;
    const WholeNumbers::Values* values;
    std::size_t k;

    Integer value() const {
        return values->with(k, [](const Integer& number, std::int64_t shift) { return number << std::size_t(shift); });
    }
    int sign() const {
        return values->with(k, [](const Integer& number, std::int64_t) { return number.sign(); });
    }
    std::pair<int, int> reader() const { return {stage, row}; }
};

/// A unit that another one reads with the weight -factor.
struct Subtracted {
    int stage, unit;
    Integer factor;

    std::pair<int, int> place() const { return {stage, unit}; }
};

class Covering {
public:
    explicit Covering(const WholeNumbers& numbers)
        : numbers_(numbers), readers_(numbers.stages.size()), reads_(numbers.stages.size(), std::vector<bool>(numbers.stages.size())) {
        for (std::size_t s = 0; s < numbers.stages.size(); ++s) readers_[s].resize(std::size_t(numbers.stages[s].units()));
        for (std::size_t t = 0; t < numbers.stages.size(); ++t)
            for (const auto& block : numbers.stages[t].blocks) {
                if (block.source == 0) continue;
                const auto s = std::size_t(block.source) - 1;
                reads_[t][s] = true;
                for (std::size_t k = 0; k < block.row.size(); ++k) {
                    const Weight weight{int(t), block.row[k], &block.weights, k};
                    if (weight.sign()) readers_[s][std::size_t(block.column[k])].push_back(weight);
                }
            }
    }

    void add(int stage, std::vector<Cover>& found) const {
        const auto t = std::size_t(stage);
        std::vector<std::vector<Subtracted>> kept(readers_[t].size());
        for (const auto& block : numbers_.stages[t].blocks) {
            if (block.source == 0 || !is_read_beside(t, std::size_t(block.source) - 1)) continue;
            for (std::size_t k = 0; k < block.row.size(); ++k) {
                const Weight weight{stage, block.row[k], &block.weights, k};
                if (weight.sign() >= 0) continue;
                Subtracted own{block.source - 1, block.column[k], -weight.value()};
                if (is_read_alike(stage, block.row[k], own)) kept[std::size_t(block.row[k])].push_back(std::move(own));
            }
        }
        for (int unit = 0; unit < int(kept.size()); ++unit) {
            std::vector<Subtracted>& set = kept[std::size_t(unit)];
            std::sort(set.begin(), set.end(), [](const Subtracted& a, const Subtracted& b) { return a.place() < b.place(); });
            for (std::size_t before = 0; before != set.size();) {
                before = set.size();
                const std::vector<Subtracted> whole = set;
                std::erase_if(set, [&](const Subtracted& own) { return !is_read_within(stage, unit, own, whole); });
            }
            for (const Subtracted& own : set) found.push_back({stage, unit, own.stage, own.unit});
        }
    }

private:
    const WholeNumbers& numbers_;
    std::vector<std::vector<std::vector<Weight>>> readers_;  // by stage and unit: the rows that read it, in ascending order
    std::vector<std::vector<bool>> reads_;                   // by stage, the earlier ones that it reads

    const std::vector<Weight>& readers(int stage, int unit) const { return readers_[std::size_t(stage)][std::size_t(unit)]; }

    /// Whether some stage reads both of two.
    bool is_read_beside(std::size_t t, std::size_t s) const {
        for (std::size_t later = t + 1; later < reads_.size(); ++later)
            if (reads_[later][t] && reads_[later][s]) return true;
        return false;
    }
    /// Whether all stages behind a unit read it as they read one that it subtracts.
    bool is_read_alike(int stage, int unit, const Subtracted& own) const {
        const auto& theirs = readers(own.stage, own.unit);
        auto other = std::find_if(theirs.begin(), theirs.end(), [&](const Weight& w) { return w.stage > stage; });
        for (const Weight& weight : readers(stage, unit)) {
            if (other == theirs.end() || other->reader() != weight.reader() || other->value() != own.factor * weight.value()) return false;
            ++other;
        }
        return other == theirs.end();
    }
    /// Whether the rows up to a unit's stage that read another one are the unit, and others of its set, each of which reads all before it.
    bool is_read_within(int stage, int unit, const Subtracted& own, const std::vector<Subtracted>& set) const {
        std::vector<std::pair<int, int>> rows;
        for (const Weight& weight : readers(own.stage, own.unit)) {
            if (weight.stage > stage) break;
            if (weight.reader() == std::pair{stage, unit}) continue;
            const auto member = std::find_if(set.begin(), set.end(), [&](const Subtracted& other) { return other.place() == weight.reader(); });
            if (member == set.end() || member->factor * weight.value() != -own.factor) return false;
            rows.push_back(weight.reader());
        }
        for (std::size_t first = 0; first < rows.size(); ++first)
            for (std::size_t later = first + 1; later < rows.size(); ++later) {
                const auto& by = readers(rows[first].first, rows[first].second);
                if (std::none_of(by.begin(), by.end(), [&](const Weight& weight) { return weight.reader() == rows[later]; })) return false;
            }
        return true;
    }
};

}  // namespace

std::vector<Cover> covered_units(const WholeNumbers& numbers) {
    std::vector<Cover> found;
    const auto stages = int(numbers.stages.size()) - 1;
    int units = 0;
    bool shortcuts = false;  // a stage that reads two others
    for (int s = 0; s <= stages; ++s) {
        const auto& stage = numbers.stages[std::size_t(s)];
        if (s < stages) units += stage.units();
        shortcuts |= std::count_if(stage.blocks.begin(), stage.blocks.end(), [](const auto& block) { return block.source > 0; }) > 1;
    }
    if (!shortcuts || units > MOST_UNITS) return found;
    const Covering covering(numbers);
    for (int s = 1; s < stages; ++s) covering.add(s, found);
    return found;
}

}  // namespace puiseux::cells
