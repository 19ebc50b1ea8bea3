// What misses.hpp does for all shapes of rows.
#include "misses.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace puiseux::cells {

namespace {

template <class Holds>
bool any(const std::vector<Miss>& misses, Holds&& holds) {
    for (const Miss& miss : misses)
        if (std::all_of(miss.begin(), miss.end(), holds)) return true;
    return false;
}

/// For how many decisions more a proof is unlikely: none of a unit's signs at the generators is told by its bounds, or
/// two are told that differ.  That changes nothing but the effort.
int hopeless(int unit, RangesOfStage& found, int count) {
    bool positive = false, negative = false;
    for (int t = 0; t < count; ++t) {
        const double middle = found.middle_at(t)[unit], radius = found.radius_at(t)[unit];
        positive = positive || middle > radius, negative = negative || -middle > radius;
    }
    return positive == negative ? positive ? 1 : 2 : 0;
}

}  // namespace

MissProofs::MissProofs(const Problem& problem, const AnyShape& shape)
    : problem_(problem), shape_(shape), last_(problem.last_stage()), ranges_(problem, shape) {
    double below = 0;
    bool chain = true;
    for (int s = last_; s >= 0; --s) {
        const Stage& net = problem.stages[size_t(s)];
        effort_.push_back(below), whole_.push_back(!chain);
        for (const Weights& block : net.blocks) below += block.inputs * net.padded / 2;
        chain = chain && net.chain;
        if (s > 0)
            for (const double e : net.error) usable_ = usable_ && e < UNKNOWN;
    }
    std::reverse(effort_.begin(), effort_.end()), std::reverse(whole_.begin(), whole_.end());
    odds_.resize(2 * SIZES * problem.stages.size());
}

double MissProofs::effort(int stage, int units, int count) const {
    const int next = problem_.stages[size_t(stage) + 1].padded;
    return count * (next * (problem_.dim + 4 + units) + (units + 4) * (problem_.dim + 8) + effort_[size_t(stage) + 1]);
}

MissProofs::Odds& MissProofs::odds_of(int stage, bool inside, int units) {
    return odds_[size_t((2 * stage + int(inside)) * SIZES + std::min(SIZES - 1, int(std::bit_width(unsigned(units)))))];
}

bool MissProofs::promising(int stage, bool inside, int units, int count) {
    Odds& odds = odds_of(stage, inside, units);
    const double effort = this->effort(stage, units, count);
    const double k = units, below = (1 + k + k * k / 4) * double(1 << (last_ - 1 - stage)) * SPLIT;
    return double(odds.gone + 2) * below > double(odds.tried + 3) * effort || ++odds.passed % 64 == 0;
}

void MissProofs::learn(int stage, int depth, bool inside, int units, bool gone) {
    Odds& odds = odds_of(stage, inside, units);
    ++odds.tried, odds.gone += gone;
    if (!gone) rest_stage_ = stage, rest_from_ = depth, rest_to_ = depth + hopeless_;
}

bool MissProofs::resting(int stage, int depth) {
    if (stage == rest_stage_ && depth > rest_from_ && depth <= rest_to_) return true;
    rest_stage_ = -1;
    return false;
}

bool MissProofs::surely(const std::vector<Miss>& misses, Cell cell) const {
    return any(misses, [&](const Literal& l) {
        for (Word* g : cell) {
            const int side = l.positive ? shape_.side(g, l.unit) : -shape_.side(g, l.unit);
            if (side < 0 || (side == 0 && !shape_.is_ray(g))) return false;
        }
        return true;
    });
}

bool MissProofs::usable(Cell cell) const {
    if (!usable_) return false;
    for (Word* g : cell)
        if (!(shape_.error(g) <= LOOSE)) return false;
    return true;
}

bool MissProofs::proves(const std::vector<Miss>& misses, Cell cell, int stage, const Word* open, const std::vector<FormTable>& forms,
                        const std::vector<const Word*>& active, const FormTable& ahead) {
    const Word* some = whole_[size_t(stage)] ? nullptr : open;
    ranges_.begin(cell, stage, forms[size_t(stage)], true, some);
    ranges_.rectify(stage, cell.count, some);
    ranges_.begin(cell, stage + 1, ahead, false, nullptr);
    ranges_.add_open(stage, cell.count, open);
    for (int s = stage + 2; s <= last_; ++s) {
        ranges_.rectify(s - 1, cell.count, nullptr);
        ranges_.weigh(cell, stage, s, forms, active);
    }
    RangesOfStage& found = ranges_.of(last_);
    hopeless_ = misses.front().empty() ? 0 : hopeless(misses.front().front().unit, found, cell.count);
    return any(misses, [&](const Literal& l) {
        for (int t = 0; t < cell.count; ++t) {
            const double middle = l.positive ? found.middle_at(t)[l.unit] : -found.middle_at(t)[l.unit];
            const double radius = found.radius_at(t)[l.unit];
            if (!(middle > radius || (middle >= radius && shape_.is_ray(cell[t])))) return false;
        }
        return true;
    });
}

}  // namespace puiseux::cells
