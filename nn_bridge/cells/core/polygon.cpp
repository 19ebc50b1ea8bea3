// What polygon.hpp promises.
#include "polygon.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace puiseux::cells {

namespace {

/// A unit's zero on an edge.
struct Zero {
    double at, error;
};

}  // namespace

std::int64_t Polygons::zeros_on_edge(Word* a, Word* b, int stage, const Word* cut) {
    const FormTable forms = table(stage);
    const double e_a = any_.error(a), e_b = any_.error(b);
    std::vector<Zero> found;
    bool known = true;
    each_member(cut, any_.words(), [&](int j) {
        const double va = std::abs(forms.value(j, any_.x(a))), vb = std::abs(forms.value(j, any_.x(b))), total = va + vb;
        const double ea = forms.tight_bound(j, any_.x(a), e_a), eb = forms.tight_bound(j, any_.x(b), e_b), room = total - ea - eb;
        known = known && room > total / 2;
        found.push_back({va / total, (va / total * eb + vb / total * ea) / room * UP + 4 * UNIT_ROUNDOFF});
    });
    if (!known) return exact_zeros(a, b, stage, cut);
    std::sort(found.begin(), found.end(), [](const Zero& p, const Zero& q) { return p.at < q.at; });
    double high = -1;
    for (const Zero& z : found) {
        if (!(z.at - z.error > high)) return exact_zeros(a, b, stage, cut);
        high = std::max(high, z.at + z.error);
    }
    return std::int64_t(found.size());
}

std::int64_t Polygons::exact_zeros(Word* a, Word* b, int stage, const Word* cut) {
    const Integers at_a = exact_point(a, stage), at_b = exact_point(b, stage);
    std::vector<Ratio> found;  // of the values at both ends: the zero's place
    each_member(cut, any_.words(), [&](int j) {
        ++counters_.exact;
        const Integers& row = exact_row(stage, j);
        found.emplace_back(abs(dot(row, at_a)), abs(dot(row, at_b)));
    });
    return different_ratios(found);
}

std::int64_t Polygons::cells_of_polygon(Cell flat, int stage, const Word* cut) {
    if (!find_corners(flat)) return -1;
    lines_.clear();
    bool two = true;
    each_member(cut, any_.words(), [&](int j) { two = two && find_places(flat, j); });
    if (!two) return -1;
    rank_places(flat, stage);
    for (Line& l : lines_)
        if (l.first > l.second) std::swap(l.first, l.second);
    std::sort(lines_.begin(), lines_.end(), [](const Line& a, const Line& b) {
        return std::tie(a.first, a.second, a.unit) < std::tie(b.first, b.second, b.unit);
    });
    lines_.erase(std::unique(lines_.begin(), lines_.end(), [](const Line& a, const Line& b) { return a.first == b.first && a.second == b.second; }),
                 lines_.end());
    if (!restrict_forms(flat, stage)) return -1;
    std::int64_t total = 1;
    for (int i = 0; i < int(lines_.size()); ++i) total += 1 + crossings_on(i, stage);
    return total;
}

bool Polygons::find_corners(Cell flat) {
    const int count = flat.count, dim = problem_.dim, words = any_.facet_words();
    std::vector<int> next(size_t(2 * count), -1);
    for (int a = 0; a < count; ++a)
        for (int b = a + 1; b < count; ++b) {
            const Word *p = any_.facets(flat[a]), *q = any_.facets(flat[b]);
            int common = 0;
            for (int w = 0; w < words; ++w) common += std::popcount(p[w] & q[w]);
            if (common < dim - 1) continue;
            bool third = false;
            for (int c = 0; c < count && !third; ++c) {
                if (c == a || c == b) continue;
                const Word* r = any_.facets(flat[c]);
                third = true;
                for (int w = 0; w < words; ++w) third = third && !(p[w] & q[w] & ~r[w]);
            }
            if (third) continue;
            for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)}) {
                int* to = &next[size_t(2 * one)];
                if (to[1] >= 0) return false;
                to[to[0] >= 0] = other;
            }
        }
    watch_.spend(std::int64_t(count) * count);
    around_.clear();
    for (int at = 0, before = -1; int(around_.size()) < count;) {
        if (next[size_t(2 * at) + 1] < 0) return false;
        around_.push_back(at);
        const int on = next[size_t(2 * at)] != before || before < 0 ? next[size_t(2 * at)] : next[size_t(2 * at) + 1];
        before = at, at = on;
        if (at == 0) break;
    }
    return count >= 3 && int(around_.size()) == count;
}

bool Polygons::find_places(Cell flat, int unit) {
    const int count = int(around_.size());
    int found = 0, place[2] = {0, 0};
    int side = any_.side(flat[around_[0]], unit);
    for (int t = 0; t < count; ++t) {
        const int later = any_.side(flat[around_[size_t(t + 1 == count ? 0 : t + 1)]], unit);
        if (side == 0 || side * later < 0) {
            if (found == 2) return false;
            place[found++] = 2 * t + (side != 0);
        }
        side = later;
    }
    lines_.push_back({unit, place[0], place[1]});
    return found == 2;
}

void Polygons::rank_places(Cell flat, int stage) {
    const int count = int(around_.size());
    sides_.resize(size_t(std::max(count, int(sides_.size()))));
    for (auto& side : sides_) side.clear();
    for (int l = 0; l < int(lines_.size()); ++l)
        for (const bool second : {false, true}) {
            const int place = second ? lines_[size_t(l)].second : lines_[size_t(l)].first;
            if (place & 1) sides_[size_t(place >> 1)].push_back({0, 0, l, 0, second});
        }
    std::vector<int> rank_of_corner(static_cast<size_t>(count), 0);
    int rank = 0;
    for (int t = 0; t < count; ++t) {
        rank_of_corner[size_t(t)] = rank++;
        auto& side = sides_[size_t(t)];
        if (side.empty()) continue;
        const int ranks = rank_side(side, flat[around_[size_t(t)]], flat[around_[size_t(t + 1 == count ? 0 : t + 1)]], stage);
        for (Place& p : side) p.rank += rank;
        rank += ranks;
    }
    for (Line& l : lines_) {
        if (!(l.first & 1)) l.first = rank_of_corner[size_t(l.first >> 1)];
        if (!(l.second & 1)) l.second = rank_of_corner[size_t(l.second >> 1)];
    }
    for (int t = 0; t < count; ++t)
        for (const Place& p : sides_[size_t(t)]) (p.second ? lines_[size_t(p.line)].second : lines_[size_t(p.line)].first) = p.rank;
}

int Polygons::rank_side(std::vector<Place>& side, Word* a, Word* b, int stage) {
    const FormTable forms = table(stage);
    const double e_a = any_.error(a), e_b = any_.error(b);
    bool known = true;
    for (Place& p : side) {
        const int j = lines_[size_t(p.line)].unit;
        const double va = std::abs(forms.value(j, any_.x(a))), vb = std::abs(forms.value(j, any_.x(b))), total = va + vb;
        const double ea = forms.tight_bound(j, any_.x(a), e_a), eb = forms.tight_bound(j, any_.x(b), e_b), room = total - ea - eb;
        known = known && room > total / 2;
        p.at = va / total, p.error = (va / total * eb + vb / total * ea) / room * UP + 4 * UNIT_ROUNDOFF;
    }
    if (known) {
        std::sort(side.begin(), side.end(), [](const Place& p, const Place& q) { return p.at < q.at; });
        double high = -1;
        for (const Place& p : side) {
            known = known && p.at - p.error > high;
            high = std::max(high, p.at + p.error);
        }
    }
    if (!known) return rank_side_exactly(side, a, b, stage);
    for (int i = 0; i < int(side.size()); ++i) side[size_t(i)].rank = i;
    return int(side.size());
}

int Polygons::rank_side_exactly(std::vector<Place>& side, Word* a, Word* b, int stage) {
    const Integers at_a = exact_point(a, stage), at_b = exact_point(b, stage);
    std::vector<Ratio> found;  // of the values at both ends: the place
    for (const Place& p : side) {
        ++counters_.exact;
        const Integers& row = exact_row(stage, lines_[size_t(p.line)].unit);
        found.emplace_back(abs(dot(row, at_a)), abs(dot(row, at_b)));
    }
    watch_.spend(std::int64_t(side.size()) * 64);
    const std::vector<int> ranks = ranks_of(found);
    for (size_t i = 0; i < side.size(); ++i) side[i].rank = ranks[i];
    return 1 + *std::max_element(ranks.begin(), ranks.end());
}

bool Polygons::restrict_forms(Cell flat, int stage) {
    std::vector<Word> common(any_.facets(flat[0]), any_.facets(flat[0]) + any_.facet_words());
    for (Word* g : flat)
        for (size_t q = 0; q < common.size(); ++q) common[q] &= any_.facets(g)[q];
    facets_ = owners(common.data());
    const int n = problem_.dim, steps = n - 2, count = int(lines_.size());
    if (int(facets_.size()) != steps || n >= 64) return false;
    for (const Facet& f : facets_)
        if (f.kind != stage && f.kind != Facet::AXIS) return false;
    levels_.resize(size_t(steps) + 1);
    for (int k = 0; k <= steps; ++k) {
        FormRows& level = levels_[size_t(k)];
        level.coordinates = n + 1 - k, level.stride = count + steps - k;
        level.entries.resize(size_t(level.coordinates) * size_t(level.stride));
    }
    largest_.resize(size_t(count + steps));
    FormRows& all = levels_[0];
    all.error = 0, all.size = 1;
    for (int i = 0; i < count; ++i) take_row(all, i, stage, lines_[size_t(i)].unit);
    for (int i = 0; i < steps; ++i) {
        const Facet f = facets_[size_t(i)];
        if (f.kind == stage) take_row(all, count + i, stage, f.number);
        else
            for (int c = 0; c <= n; ++c) all.at(c)[count + i] = c == f.number ? 1 : 0;
    }
    for (int k = 0; k < steps; ++k) {
        FormRows &from = levels_[size_t(k)], &to = levels_[size_t(k) + 1];
        const int row = count + steps - 1 - k;
        const Pivot pivot(from, row);
        dispatch<Restriction>(from, pivot, row, to, largest_.data());
    }
    watch_.spend(std::int64_t(count) * n * n);
    return true;
}

void Polygons::take_row(FormRows& rows, int i, int stage, int unit) {
    const FormTable forms = table(stage);
    const int n = problem_.dim;
    double top = 0;
    for (int c = 0; c <= n; ++c) top = std::max(top, std::abs(forms.row(c == n ? any_.last() : c)[unit]));
    const double error = forms.error(unit);
    if (!(top > 1e-200) || !(error < UNKNOWN)) {
        rows.error = UNKNOWN;
        for (int c = 0; c <= n; ++c) rows.at(c)[i] = 0;
        return;
    }
    const double scale = scale_of(top);
    rows.error = std::max(rows.error, error * scale);
    for (int c = 0; c <= n; ++c) rows.at(c)[i] = forms.row(c == n ? any_.last() : c)[unit] * scale;
}

std::int64_t Polygons::crossings_on(int i, int stage) {
    const FormRows& plane = levels_.back();
    const Line own = lines_[size_t(i)];
    crossing_lines_.resize(size_t(i) + 1);
    int count = 0;
    for (int j = 0; j < i; ++j) {  // lines are sorted by their first places
        const Line& l = lines_[size_t(j)];
        crossing_lines_[size_t(count)] = j;
        count += (l.first < own.first) & (own.first < l.second) & (l.second < own.second);
    }
    watch_.spend(i + 4 * count);
    if (count < 2) return count;
    crossing_.coordinates = 3, crossing_.stride = count;
    crossing_.entries.resize(size_t(3) * size_t(count));
    for (int c = 0; c < 3; ++c) {
        const double* from = plane.at(c);
        double* to = crossing_.at(c);
        for (int k = 0; k < count; ++k) to[k] = from[crossing_lines_[size_t(k)]];
    }
    const Pivot pivot(plane, i);
    const int one = pivot.place == 0, two = pivot.place == 2 ? 1 : 2;
    std::vector<Integers> basis;
    const std::int64_t points = crossings_.different(
        {crossing_.at(pivot.place), crossing_.at(one), crossing_.at(two), pivot.quotients[one], pivot.quotients[two], pivot.error, count},
        [&](int k) {
            ++counters_.exact;
            watch_.spend(problem_.dim * 16);
            if (basis.empty()) basis = basis_of_line(own.unit, stage);
            const Integers& row = exact_row(stage, lines_[size_t(crossing_lines_[size_t(k)])].unit);
            return Ratio(dot(row, basis[0]), dot(row, basis[1]));
        });
    if (points == Crossings::VANISHES) throw Contradiction("two lines that cross are one line; please report this network");
    return points;
}

std::vector<Integers> Polygons::basis_of_line(int unit, int stage) {
    std::vector<Integers> rows;
    for (const Facet f : facets_) rows.push_back(exact_row(f));
    rows.push_back(exact_row(stage, unit));
    std::vector<Integers> basis = null_basis_of(std::move(rows), size_t(problem_.dim) + 1);
    if (basis.size() != 2) throw Contradiction("a line of a plane is not one; please report this network");
    return basis;
}

}  // namespace puiseux::cells
