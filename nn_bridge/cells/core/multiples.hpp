// Units of a stage that are multiples of others of it: the sign of the one tells that of the other.
//
// Where such zero sets are cut one by one, every generator on them is a point at which rounded values tell nothing.  So the
// signs of these units are never computed, but copied.  Candidates are found by the quotients of two sums of their weights,
// which multiples share, in doubles; then they are compared in whole numbers.  A unit that rounding hides here is one like
// all others, which costs time alone.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "lanes.hpp"
#include "stages.hpp"

namespace puiseux::cells {

class MultiplesOf {
public:
    /// `rows` is the stage as it came in, `scaled` the same in doubles.
    PUISEUX_RARELY MultiplesOf(const StageRows& rows, const Stage& scaled)
        : rows_(rows), scaled_(scaled), one_(size_t(scaled.padded)), other_(size_t(scaled.padded)) {}

    PUISEUX_RARELY std::vector<Multiple> find() {
        std::vector<std::pair<double, int>> quotients;
        add_weights();
        for (int j = 0; j < scaled_.units; ++j)
            if (const double quotient = one_[size_t(j)] / other_[size_t(j)]; std::isfinite(quotient)) quotients.emplace_back(quotient, j);
        std::sort(quotients.begin(), quotients.end());
        const auto near = [&](size_t i) {  // to the one before
            return i > 0 && i < quotients.size() && quotients[i].first - quotients[i - 1].first <= NEAR * std::abs(quotients[i].first);
        };
        std::vector<Multiple> found;
        std::vector<Row> firsts;        // of the present run of nearly equal quotients: units that are no multiples of one another
        for (size_t i = 0; i < quotients.size(); ++i) {
            if (!near(i)) firsts.clear();
            if (!near(i) && !near(i + 1)) continue;
            Row row{quotients[i].second, entries(quotients[i].second)};
            int sign = 0;
            for (size_t k = 0; k < firsts.size() && !sign; ++k)
                if ((sign = sign_of_quotient(row.entries, firsts[k].entries))) found.push_back({row.unit, firsts[k].unit, sign < 0});
            if (!sign && firsts.size() < MOST) firsts.push_back(std::move(row));
        }
        return found;
    }

private:
    static constexpr double NEAR = 1e-9;
    static constexpr size_t MOST = 4;   // units with which one is compared

    /// A number that is not zero, and its place: the block and the column.
    struct Entry {
        size_t block;
        std::int32_t column;
        Integer value;
    };
    struct Row {
        int unit;
        std::vector<Entry> entries;
    };
    const StageRows& rows_;
    const Stage& scaled_;
    std::vector<double> one_, other_;   // two sums of each unit's numbers, with weights in [1, 2)
    std::uint64_t state_ = 5;

    double next_weight() {              // a linear congruential generator: any weights will do
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return 1 + double(state_ >> 32) * 0x1p-32;
    }

    void add_weights() {
        add(scaled_.bias.data());
        for (size_t at = 0; at < scaled_.direct.size(); at += size_t(scaled_.padded)) add(&scaled_.direct[at]);
        for (const Weights& block : scaled_.blocks)
            for (int i = 0; i < block.inputs; ++i) add(block.row(i));
    }
    void add(const double* numbers) {
        const double a = next_weight(), b = next_weight();
        for (size_t j = 0; j < one_.size(); ++j) one_[j] += a * numbers[j], other_[j] += b * numbers[j];
    }

    /// The sign of the factor that makes the one of the other; 0 if there is none.
    static int sign_of_quotient(const std::vector<Entry>& a, const std::vector<Entry>& b) {
        if (a.size() != b.size() || a.empty()) return 0;
        for (size_t i = 0; i < a.size(); ++i)
            if (a[i].block != b[i].block || a[i].column != b[i].column || !(a[i].value * b[0].value == b[i].value * a[0].value)) return 0;
        return a[0].value.sign() * b[0].value.sign();
    }

    /// The numbers of a unit in order, as whole numbers: all times one factor.
    std::vector<Entry> entries(int unit) const {
        const bool exact = !rows_.exact_bias.empty();
        std::int64_t shift = 0;
        const auto each = [&](auto&& use) {
            for (size_t number = 0; number < rows_.blocks.size(); ++number) {
                const SparseRows& block = rows_.blocks[number];
                for (auto k = block.begin[size_t(unit)]; k < block.begin[size_t(unit) + 1]; ++k)
                    use(number, block.column[size_t(k)], block.value[size_t(k)], exact ? &block.exact[size_t(k)] : nullptr);
            }
            use(rows_.blocks.size(), 0, rows_.bias[size_t(unit)], exact ? &rows_.exact_bias[size_t(unit)] : nullptr);
        };
        if (!exact) each([&](size_t, int, double v, const Integer*) { shift = std::max(shift, Integer::fraction_bits(v)); });
        std::vector<Entry> found;
        each([&](size_t block, int column, double v, const Integer* given) {
            Integer value = given ? *given : Integer::of_double(v, shift);
            if (!value.is_zero()) found.push_back({block, column, std::move(value)});
        });
        std::sort(found.begin(), found.end(), [](const Entry& p, const Entry& q) { return std::pair(p.block, p.column) < std::pair(q.block, q.column); });
        return found;
    }
};

}  // namespace puiseux::cells
