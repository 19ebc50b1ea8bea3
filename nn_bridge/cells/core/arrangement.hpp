// The number of cells of hyperplanes in all of R^n, by deletion and restriction in coordinates: no cell is made.
//
// Forms are rows of n + 1 homogeneous coefficients, and the form of the hyperplane at infinity is one of them, the first.
// On the projective space where a form vanishes the others are forms in one coordinate less (one step of elimination).
// Let N(R) be the number of cells of the hyperplanes of the rows R outside infinity.  Then
//
//     N(r_0 .. r_m) = 1 + sum of N(r_0 .. r_(i-1), restricted to r_i = 0) over all i >= 1 such that r_i is no multiple of an
//                         earlier row,
//
// and on a line N is the number of different points.  A multiple of an earlier row shows in that the earlier row is zero
// where it vanishes; a multiple of r_0 is parallel or constant, and cuts nothing.  Source: Zaslavsky 1975.
//
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "crossings.hpp"
#include "exact.hpp"
#include "restriction.hpp"
#include "walk.hpp"

namespace puiseux::cells {

/// The most cells that hyperplanes cut R^dim into, as a double.
inline double cells_at_most(int hyperplanes, int dim) {
    double total = 1, binomial = 1;
    for (int i = 1; i <= std::min(hyperplanes, dim); ++i) total += binomial = binomial * (hyperplanes - i + 1) / i;
    return total;
}

/// The engine of a problem without a start cell: all of R^n, one stage, cells counted only.
///
/// A step (0, unit, true) of a path stands for the term of that unit, (0, unit, false) for all terms of units before it.
class Arrangement : public Engine {
public:
    explicit Arrangement(Walk& walk) : walk_(walk) { make_rows(); }

    void run() override {
        Position& p = walk_.position;
        at_once_ = double(std::clamp<std::int64_t>(walk_.cell_limit - walk_.counters.cells, 1, AT_ONCE));
        for (; p.roots > 0; p.next_root()) {
            forced_ = p.path, at_ = 0, path_.clear(), chosen_.clear();
            progress_ = false;
            if (forced_.empty()) walk_.watch.arrive();
            try {
                divide(0, int(rows_.size()), 1);
            } catch (const BadPath&) {
                throw;
            } catch (...) {
                path_.insert(path_.end(), forced_.begin() + std::ptrdiff_t(at_), forced_.end());
                p.path = path_;
                throw;
            }
        }
    }

private:
    static constexpr std::int64_t AT_ONCE = 1 << 20;  // at most so many cells are counted without a place to end between

    /// The coefficients of rows on the line where the chosen ones vanish.
    struct OnLine {
        Arrangement& of;
        std::vector<Integers> basis;
        std::pair<Integer, Integer> operator()(int j) {
            ++of.walk_.counters.exact;
            of.walk_.watch.spend(of.dim() * 16);
            if (basis.empty()) basis = null_basis(of.matrix_of(of.chosen_));
            return {dot(of.exact_row(j), basis[0]), dot(of.exact_row(j), basis[1])};
        }
    };

    Walk& walk_;
    std::vector<int> rows_;             // by row: its unit; infinity is row 0
    std::vector<int> row_of_;           // by unit: its row, 0 for one that is zero everywhere
    std::vector<FormRows> levels_;      // restricted to none, one, two .. of the chosen rows
    std::vector<double> largest_;
    std::vector<int> chosen_;           // the rows that vanish on the present flat
    std::vector<Integers> exact_rows_;
    Crossings crossings_;
    std::int64_t tally_ = 0;
    double at_once_ = AT_ONCE;
    std::vector<Step> path_, forced_;
    size_t at_ = 0;
    bool progress_ = false;

    int dim() const { return walk_.problem.dim; }

    // ------------------------------------------------------------------------------------------------ the rows

    /// The stage's rows, with columns and rows scaled by powers of two such that the largest entries are in [1/2, 1).
    void make_rows() {
        const Stage& s = walk_.problem.stages[0];
        const int n = dim();
        row_of_.assign(size_t(s.units), 0);
        rows_.push_back(-1);
        bool known = true;
        std::vector<int> top(size_t(n) + 1, LOWEST);
        auto entry = [&](int c, int j) { return c < n ? s.direct[size_t(c) * size_t(s.padded) + size_t(j)] : s.bias[size_t(j)]; };
        for (int j = 0; j < s.units; ++j) {
            bool zero = true;
            for (int c = 0; c <= n; ++c) {
                zero = zero && entry(c, j) == 0;
                top[size_t(c)] = std::max(top[size_t(c)], exponent(entry(c, j)));
            }
            const bool settled = s.error[size_t(j)] < UNKNOWN;
            if (zero && (settled || is_zero(exact_row_of_unit(j)))) continue;
            known = known && settled;
            row_of_[size_t(j)] = int(rows_.size());
            rows_.push_back(j);
        }
        const int count = int(rows_.size());
        levels_.resize(size_t(std::max(1, n - 1)));
        for (int k = 0; k < int(levels_.size()); ++k) {
            FormRows& level = levels_[size_t(k)];
            level.coordinates = n + 1 - k, level.stride = padded_to_lanes(count);
            level.entries.assign(size_t(level.coordinates) * size_t(level.stride), 0);
        }
        largest_.assign(size_t(count), 0);
        FormRows& first = levels_[0];
        first.error = !known ? UNKNOWN : s.rounded ? UNIT_ROUNDOFF : 0;
        first.at(n)[0] = 0.5;
        for (int i = 1; i < count; ++i) {
            const int j = rows_[size_t(i)];
            int own = LOWEST;
            auto moved = [&](int c) { return std::ldexp(entry(c, j), top[size_t(c)] == LOWEST ? 0 : -top[size_t(c)]); };
            for (int c = 0; c <= n; ++c) own = std::max(own, exponent(moved(c)));
            for (int c = 0; c <= n; ++c) first.at(c)[i] = std::ldexp(moved(c), own == LOWEST ? 0 : -own);
        }
    }

    static constexpr int LOWEST = -100000;
    static int exponent(double v) {
        int e = LOWEST;
        if (v != 0) std::frexp(v, &e);
        return e;
    }
    static bool is_zero(const Integers& row) {
        return std::all_of(row.begin(), row.end(), [](const Integer& z) { return z.is_zero(); });
    }

    // ------------------------------------------------------------------------------------------------ the recursion

    /// Add the cells of a flat term by term: between two terms a run can end.
    void divide(int level, int rows, double share) {
        const int left = dim() - level;
        if (at_ == forced_.size() && (left < 2 || cells_at_most(rows - 1, left) < at_once_)) return count_at_once(level, rows, share);
        const size_t depth = path_.size();
        const double part = share / cells_at_most(rows - 1, left);
        bool begun = false;
        while (at_ < forced_.size() && !forced_[at_].side) begun = true, rows = follow(rows);
        if (at_ < forced_.size()) {
            const int row = follow(rows);
            terms(level, row, left, part);
        } else {
            if (!begun) found(1, part);
            if (rows > 1) {
                path_.push_back({0, rows_[size_t(rows) - 1], true, rows > 2});
                terms(level, rows - 1, left, part);
            }
        }
        path_.resize(depth);
    }

    /// Takes the next given step, and returns its row.
    int follow(int rows) {
        const Step step = forced_[at_];
        const int row = step.stage == 0 && step.unit >= 0 && step.unit < int(row_of_.size()) ? row_of_[size_t(step.unit)] : 0;
        if (row < 1 || row >= rows) throw BadPath();
        path_.push_back(step);
        if (++at_ == forced_.size()) walk_.watch.arrive();
        return row;
    }

    /// The term of the row that the last step of the path names, and those of the rows before it where they are left.
    void terms(int level, int row, int left, double part) {
        while (true) {
            const bool more = path_.back().sibling;
            if (at_ == forced_.size()) pause();
            const double share = part * cells_at_most(row - 1, left - 1);
            if (left == 2) {
                if (at_ < forced_.size()) throw BadPath();
                tally_ = 0;
                line(level, row);
                found(tally_, share);
            } else if (restrict(level, row)) {
                chosen_.push_back(row);
                divide(level + 1, row, share);
                chosen_.pop_back();
            } else if (at_ < forced_.size()) {
                throw BadPath();
            }
            if (!more) return;
            --row;
            path_.back() = {0, rows_[size_t(row)], true, row > 1};
        }
    }

    void pause() {
        if (progress_ && walk_.watch.soft()) throw Stopped();
    }

    void found(std::int64_t cells, double share) {
        Counters& c = walk_.counters;
        c.cells += cells, progress_ = true, walk_.share += share;
        if (c.cells >= walk_.cell_limit) walk_.watch.end_softly();
    }

    void count_at_once(int level, int rows, double share) {
        tally_ = 0;
        try {
            count(level, rows);
        } catch (...) {
            walk_.partial = tally_;
            throw;
        }
        found(tally_, share);
    }

    /// Add to the tally the cells of the first rows of a level.
    void count(int level, int rows) {
        const FormRows& from = levels_[size_t(level)];
        if (from.coordinates == 2) {
            tally_ += crossings_.different({from.at(0), from.at(0), from.at(1), 0, 0, from.error, rows}, OnLine{*this, {}});
            return;
        }
        ++tally_;
        for (int row = rows - 1; row > 0; --row) {
            if (from.coordinates == 3) {
                line(level, row);
            } else if (restrict(level, row)) {
                chosen_.push_back(row);
                count(level + 1, row);
                chosen_.pop_back();
            }
        }
    }

    /// Add to the tally the cells that the rows before cut a line of a plane into, unless it is one of theirs.
    void line(int level, int row) {
        const FormRows& from = levels_[size_t(level)];
        const Pivot pivot(from, row);
        const int one = pivot.place == 0, two = pivot.place == 2 ? 1 : 2;
        walk_.watch.spend(row + 8);
        chosen_.push_back(row);
        const std::int64_t points = crossings_.different(
            {from.at(pivot.place), from.at(one), from.at(two), pivot.quotients[one], pivot.quotients[two], pivot.error, row}, OnLine{*this, {}});
        chosen_.pop_back();
        if (points != Crossings::VANISHES) tally_ += points;
    }

    /// Restrict the rows before a row to where it vanishes; false if one of them vanishes there too.
    bool restrict(int level, int row) {
        const FormRows& from = levels_[size_t(level)];
        FormRows& to = levels_[size_t(level) + 1];
        const Pivot pivot(from, row);
        walk_.watch.spend(std::int64_t(row) * from.coordinates);
        dispatch<Restriction>(from, pivot, row, to, largest_.data());
        for (int j = 0; j < row; ++j)
            if (!(largest_[size_t(j)] > to.error) && vanishes(row, j)) return false;
        return true;
    }

    // ------------------------------------------------------------------------------------------------ in integers

    /// Whether a row is zero where the chosen ones and another one vanish.
    [[gnu::noinline]] bool vanishes(int row, int j) {
        ++walk_.counters.exact;
        std::vector<int> all = chosen_;
        all.push_back(row);
        all.push_back(j);
        walk_.watch.spend(std::int64_t(all.size()) * dim() * dim() * 8);
        return rank(matrix_of(all)) < all.size();
    }

    IntegerMatrix matrix_of(const std::vector<int>& rows) {
        IntegerMatrix m(rows.size(), size_t(dim()) + 1);
        for (size_t i = 0; i < rows.size(); ++i) {
            const Integers& row = exact_row(rows[i]);
            std::copy(row.begin(), row.end(), m.row(i).begin());
        }
        return m;
    }

    const Integers& exact_row(int row) {
        if (exact_rows_.empty()) {
            exact_rows_.resize(rows_.size());
            exact_rows_[0] = Integers(size_t(dim()) + 1);
            exact_rows_[0].back() = 1;
        }
        Integers& found = exact_rows_[size_t(row)];
        if (found.empty()) found = exact_row_of_unit(rows_[size_t(row)]), make_primitive(found);
        return found;
    }

    Integers exact_row_of_unit(int unit) const {
        const ExactStage& s = walk_.problem.exact()[0];
        Integers row(size_t(dim()) + 1);
        row.back() = s.bias[size_t(unit)];
        for (const ExactStage::Block& block : s.blocks)
            for (auto k = block.begin[size_t(unit)]; k < block.begin[size_t(unit) + 1]; ++k) row[size_t(block.column[size_t(k)])] += block.value[size_t(k)];
        return row;
    }
};

}  // namespace puiseux::cells
