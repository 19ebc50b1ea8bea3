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
constexpr std::int64_t MOST_WORK = 1 << 27;  // numbers that are compared, and words of sets: a second
constexpr std::int64_t NUMBER = 16;          // words that take as long as a number

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
};

/// A unit that another one reads with the weight -factor.
struct Subtracted {
    int stage, unit;
    Integer factor;
};

class Covering {
public:
    explicit Covering(const WholeNumbers& numbers)
        : numbers_(numbers), reads_(numbers.stages.size(), std::vector<bool>(numbers.stages.size())) {
        for (const auto& stage : numbers.stages) first_.push_back(units_), units_ += std::size_t(stage.units());
        units_ = first_.back();  // no set has outputs, which may be many
        readers_.resize(units_), words_ = (units_ + 63) / 64, is_read_by_.resize(units_ * words_), place_.resize(units_);
        for (std::size_t t = 0; t < numbers.stages.size(); ++t)
            for (const auto& block : numbers.stages[t].blocks) {
                if (block.source == 0) continue;
                reads_[t][std::size_t(block.source) - 1] = true;
                for (std::size_t k = 0; k < block.row.size(); ++k) {
                    const Weight weight{int(t), block.row[k], &block.weights, k};
                    if (!weight.sign()) continue;
                    const std::size_t unit = number(block.source - 1, block.column[k]), reader = number(int(t), block.row[k]);
                    readers_[unit].push_back(weight);
                    if (reader < units_) is_read_by_[unit * words_ + reader / 64] |= bit(int(reader));
                }
            }
    }

    /// Append those that units of a stage cover.
    void find(int stage, std::vector<Cover>& found) {
        const auto t = std::size_t(stage);
        std::vector<std::vector<Subtracted>> sets(std::size_t(numbers_.stages[t].units()));
        for (const auto& block : numbers_.stages[t].blocks) {
            if (block.source == 0 || work_ >= MOST_WORK || !are_read_together(t, std::size_t(block.source) - 1)) continue;
            for (std::size_t k = 0; k < block.row.size(); ++k) {
                const Weight weight{stage, block.row[k], &block.weights, k};
                if (weight.sign() >= 0) continue;
                if (work_ >= MOST_WORK) return;
                Subtracted own{block.source - 1, block.column[k], -weight.value()};
                if (is_read_alike(stage, block.row[k], own)) sets[std::size_t(block.row[k])].push_back(std::move(own));
            }
        }
        for (int unit = 0; unit < int(sets.size()) && work_ < MOST_WORK; ++unit) {
            std::vector<Subtracted>& set = sets[std::size_t(unit)];
            std::sort(set.begin(), set.end(), [](const Subtracted& a, const Subtracted& b) { return std::pair(a.stage, a.unit) < std::pair(b.stage, b.unit); });
            leave_covered(stage, unit, set);
            if (work_ >= MOST_WORK) return;
            for (const Subtracted& own : set) found.push_back({stage, unit, own.stage, own.unit});
        }
    }

private:
    static constexpr std::size_t NOWHERE = ~std::size_t{0};
    const WholeNumbers& numbers_;
    std::size_t units_ = 0, words_ = 0;           // without outputs; words of a set of units
    std::vector<std::size_t> first_;              // by stage, the number of its first unit
    std::vector<std::vector<bool>> reads_;        // by stage, the earlier ones that it reads
    std::vector<std::vector<Weight>> readers_;    // by unit, the rows that read it, in ascending order
    std::vector<Word> is_read_by_, rows_;         // the same as sets; room for one
    std::vector<std::size_t> place_;              // by unit, its place in the set at hand
    std::int64_t work_ = 0;

    std::size_t number(int stage, int unit) const { return first_[std::size_t(stage)] + std::size_t(unit); }

    /// Whether some stage reads both of two.
    bool are_read_together(std::size_t t, std::size_t s) const {
        for (std::size_t later = t + 1; later < reads_.size(); ++later)
            if (reads_[later][t] && reads_[later][s]) return true;
        return false;
    }
    /// Whether all stages behind a unit read it as they read one that it subtracts.
    bool is_read_alike(int stage, int unit, const Subtracted& own) {
        const auto& theirs = readers_[number(own.stage, own.unit)];
        auto other = std::find_if(theirs.begin(), theirs.end(), [&](const Weight& w) { return w.stage > stage; });
        for (const Weight& weight : readers_[number(stage, unit)]) {
            if (other == theirs.end() || other->stage != weight.stage || other->row != weight.row) return false;
            work_ += NUMBER;
            if (other->value() != own.factor * weight.value()) return false;
            ++other;
        }
        return other == theirs.end();
    }
    /// Leave in a set what its unit covers: of each the rows up to the unit's stage that read it are the unit, and others of the set.
    void leave_covered(int stage, int unit, std::vector<Subtracted>& set) {
        for (bool fewer = true; fewer && !set.empty() && work_ < MOST_WORK;) {
            std::fill(place_.begin(), place_.end(), NOWHERE);
            for (std::size_t k = 0; k < set.size(); ++k) place_[number(set[k].stage, set[k].unit)] = k;
            std::vector<Subtracted> left;
            for (const Subtracted& own : set)
                if (work_ < MOST_WORK && is_read_within(stage, unit, own, set)) left.push_back(own);
            fewer = left.size() < set.size();
            set.swap(left);
        }
    }
    /// Whether this holds for one of a set, and each of these others reads all before it.
    bool is_read_within(int stage, int unit, const Subtracted& own, const std::vector<Subtracted>& set) {
        const auto& theirs = readers_[number(own.stage, own.unit)];
        rows_.assign(words_, 0);
        for (auto weight = std::find_if(theirs.rbegin(), theirs.rend(), [&](const Weight& w) { return w.stage <= stage; }); weight != theirs.rend(); ++weight) {
            if (weight->stage == stage && weight->row == unit) continue;
            work_ += NUMBER + std::int64_t(words_);
            const std::size_t reader = number(weight->stage, weight->row), place = place_[reader];
            if (place == NOWHERE || set[place].factor * weight->value() != -own.factor) return false;
            const Word* by = &is_read_by_[reader * words_];
            for (std::size_t q = 0; q < words_; ++q)
                if (rows_[q] & ~by[q]) return false;  // a later one does not read it
            rows_[reader / 64] |= bit(int(reader));
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
    Covering covering(numbers);
    for (int s = 1; s < stages; ++s) covering.find(s, found);
    return found;
}

}  // namespace puiseux::cells
