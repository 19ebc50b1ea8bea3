// The cell tree: all activation cells of a network, depth first, one unit at a time, stage by stage.
//
// A cell is split by one unit after another until none of its stage cuts it; then the forms of the next stage are computed
// on it.  Below the last stage it is a leaf.  Of the two sides of a split one comes first such that consecutive leaves
// differ in few units, as in a reflected Gray code; the order depends on the path alone.
// Source: Gray 1953 (US patent 2632058) for the order; the split is in cutting.hpp.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "last_stage.hpp"
#include "misses.hpp"
#include "walk.hpp"

namespace puiseux::cells {

template <class S>
class Tree : public LastStage<S>, public Engine {
    using Base = LastStage<S>;

public:
    using typename Base::Set;

    PUISEUX_RARELY Tree(const S& shape, Walk& walk)
        : Base(shape, walk) {
        path_.reserve(size_t(problem_.total_units() + problem_.dim) + 8);
        if (!walk.misses.empty()) misses_.emplace(problem_, shape_);
    }

    void run() override {
        arena_.room = walk_.room;
        Position& p = walk_.position;
        for (; p.roots > 0; p.next_root()) {
            forced_ = p.path, at_ = 0, path_.clear();
            progress_ = false;
            walk_.goals.all();
            if (forced_.empty()) walk_.watch.arrive();
            try {
                start_cell();
            } catch (const BadPath&) {
                throw;
            } catch (...) {
                // what was not reached of the path is still to be followed
                path_.insert(path_.end(), forced_.begin() + std::ptrdiff_t(at_), forced_.end());
                p.path = path_;
                walk_.room = arena_.room;
                throw;
            }
            check_end_of_root();
        }
        walk_.room = arena_.room;
    }

private:
    using Base::arena_, Base::counters_, Base::forms_, Base::active_, Base::owner_, Base::problem_, Base::shape_, Base::watch_;
    using Base::places_, Base::walk_, Base::writer_, Base::earlier_, Base::unread_, Base::path_, Base::progress_;
    using Base::is_last, Base::first_of, Base::leaf, Base::finish, Base::found, Base::share;
    using typename Base::Lines;

    std::optional<Misses<S>> misses_;
    std::vector<Step> forced_;          // decisions to follow
    size_t at_ = 0;                     // how many of the latter have been followed
    std::vector<std::vector<Word>> placed_;  // rows of start generators, once they have been needed

    // ------------------------------------------------------------------------------------------------ the recursion

    /// Explore the start cell that the walk's position names.
    PUISEUX_RARELY void start_cell() {
        const auto& given = problem_.generators;
        std::vector<int> chosen;
        if (problem_.start_rows.empty()) {
            for (int g = 0; g < int(given.size()); ++g) chosen.push_back(g);
        } else {
            chosen.push_back(0);
            for (int i = 0; i < int(problem_.start_rows.size()); ++i) chosen.push_back(1 + 2 * i + int(walk_.position.root_bit(i)));
        }
        if (walk_.goals.on())
            for (int i = 0; i < int(problem_.start_rows.size()); ++i)
                walk_.goals.go(walk_.goals.side(0, problem_.start_rows[size_t(i)], walk_.position.root_bit(i)));
        if (walk_.goals.on() && walk_.goals.now().empty()) return;
        const typename Arena::Scope scope(arena_);
        for (Forms<S>& f : forms_) f.forget();
        forms_[0].follow(forms_, active_, this->clock_);
        writer_.changed(-1);
        if (int(problem_.slots.size() + problem_.start_rows.size()) > int(owner_.size())) throw MoreFacets();
        std::copy(problem_.slots.begin(), problem_.slots.end(), owner_.begin());
        const int first = int(problem_.slots.size());
        for (int i = 0; i < int(problem_.start_rows.size()); ++i) owner_[size_t(first + i)] = {0, problem_.start_rows[size_t(i)]};
        const Cell cell{arena_.take(chosen.size() * size_t(shape_.stride())), int(chosen.size()), shape_.stride()};
        for (int t = 0; t < cell.count; ++t) shape_.copy(cell[t], placed(chosen[size_t(t)]));
        for (Word& units : earlier_) units = 0;
        if (!earlier_.empty() && !is_last(0))
            for (const int unit : problem_.start_rows) add_members(earlier_.data(), places_.stage[0] + unit, 1);
        Lines lines;
        for (int c = problem_.dim - problem_.lines; c < problem_.dim; ++c) lines.push_back(c);
        enter(cell, 0, false, lines);
    }

    /// A start generator's row, with its signs in the first stage.
    PUISEUX_RARELY Word* placed(int number) {
        if (placed_.empty()) placed_.resize(problem_.generators.size());
        std::vector<Word>& row = placed_[size_t(number)];
        if (row.empty()) {
            std::vector<Word> fresh(size_t(shape_.stride()));
            place(fresh.data(), number);
            row = std::move(fresh);
        }
        return row.data();
    }

    /// Store a start generator; it lies on all hyperplanes of start rows but its own.
    PUISEUX_RARELY void place(Word* g, int number) {
        const StartGenerator& given = problem_.generators[size_t(number)];
        shape_.error(g) = round_to_row(given.vector, problem_.whole, shape_.last(), shape_.x(g));
        for (const int slot : given.slots) shape_.facets(g)[slot >> 6] |= bit(slot);
        Set open = forms_[0].live();
        const int first = int(problem_.slots.size());
        for (int i = 0; i < int(problem_.start_rows.size()); ++i) {
            const int unit = problem_.start_rows[size_t(i)], slot = first + i;
            open.drop(unit);
            if (number > 0 && (number - 1) / 2 == i) this->store_sign(g, unit, number % 2 ? -1 : 1);
            else shape_.facets(g)[slot >> 6] |= bit(slot);
        }
        this->evaluate(g, 0, open);
        if (shape_.zero_words())
            for (int i = 0; i < int(problem_.walls.size()); ++i)
                if (sign_of_dot(problem_.walls[size_t(i)], given.vector) == 0) add_members(shape_.zeros(g), places_.walls + i, 1);
    }

    /// A cell at the beginning of a stage, or cut along a line in it.
    void enter(Cell cell, int stage, bool mirrored, const Lines& lines) {
        if (!lines.empty() && cut_line(cell, stage, mirrored, lines)) return;
        if (walk_.counting && is_last(stage)) count_cell(cell, stage, lines);
        else explore(cell, stage, mirrored, lines);
    }

    /// Split a cell by the units of a stage that cut it, and go on in the next stage where none is left.
    void explore(Cell cell, int stage, bool mirrored, const Lines& lines) {
        counters_.most_generators = std::max<std::int64_t>(counters_.most_generators, cell.count);
        watch_.spend(cell.count);
        pause();
        auto [positive, negative] = this->sides(cell);
        Set cut = positive & negative, within = shape_.none();
        if (is_last(stage)) within = cut & unread_, cut -= unread_, positive -= unread_;
        if (misses_ && at_ == forced_.size() && missed(cell, stage, positive, cut, lines)) return;
        if (!cut.any()) {
            if (!is_last(stage)) return descend(cell, stage, positive, mirrored, lines);
            if (at_ < forced_.size()) throw BadPath();
            return leaf(cell, stage, positive, within, lines);
        }
        int unit = walk_.goals.are_few() ? towards_goals(cell, stage, cut) : first_of(cut, stage);
        if (at_ < forced_.size()) {
            unit = forced_[at_].unit;
            if (forced_[at_].stage != stage || unit >= problem_.stages[size_t(stage)].units || unit < 0 || !cut.has(unit)) throw BadPath();
        } else if (is_last(stage) && finish(cell, stage, positive, cut, within, mirrored, lines)) {
            return;
        }
        const typename Arena::Scope scope(arena_);
        const int slot = this->free_slot(cell);
        const typename Base::SlotScope owner(owner_, slot, {stage, unit});
        Set later = cut;
        later.drop(unit);
        const bool bare = is_last(stage) && !(later | within).any() && without_coordinates(walk_.emit);  // only signs are needed below
        const auto [below, above] = split(cell, stage, unit, slot, bare);
        visit(below, above, stage, unit, mirrored, lines, false);
    }

    /// The unit that leaves the smallest part with all goals; the usual one where each parts them.
    ///
    /// Small parts are cut by few of the other units.
    int towards_goals(Cell cell, int stage, const Set& cut) const {
        int best = first_of(cut, stage), least = cell.count;
        cut.each([&](int j) {
            const int side = walk_.goals.common_side(stage, j);
            if (side == 0) return;
            int count = 0;
            for (Word* g : cell) count += shape_.side(g, j) == side;
            if (count < least) best = j, least = count;
        });
        return best;
    }

    /// Whether a cell is to be left out.  Bounds are asked for where they cost less than they are likely to save.
    bool missed(Cell cell, int stage, const Set& positive, const Set& cut, const Lines& lines) {
        bool left_out = false;
        if (is_last(stage)) {
            left_out = misses_->surely(walk_.misses, cell);
        } else if (lines.empty()) {
            const bool inside = !path_.empty() && path_.back().stage == stage;
            const int units = cut.count();
            const int depth = int(path_.size());
            if (misses_->resting(stage, depth)) return false;
            if (!misses_->promising(stage, inside, units, cell.count)) return false;
            watch_.spend(std::int64_t(misses_->effort(stage, units, cell.count)));
            left_out = misses_->provably(walk_.misses, cell, stage, positive, cut, forms_, active_);
            misses_->learn(stage, depth, inside, units, left_out);
        }
        if (left_out) ++walk_.left_out, progress_ = true, walk_.share += share();
        return left_out;
    }

    /// Both sides of a unit's zero set: they share the new generators, which lie between them.
    std::pair<Cell, Cell> split(Cell cell, int stage, int unit, int slot, bool bare) {
        ++counters_.splits;
        this->sort_sides(cell, unit);
        this->find_edges(cell);
        Word* out = arena_.take(this->room_for_cut(cell));
        const int stride = shape_.stride();
        Word* to = out;
        for (int i = 0; i < this->n_below(); ++i, to += stride) shape_.copy(to, cell[this->below(i)]);
        Word* middle = to;
        to = this->cut_edges(cell, stage, unit, slot, to, forms_[size_t(stage)].live(), bare);
        const int shared = int((to - middle) / stride);
        for (int i = 0; i < this->n_above(); ++i, to += stride) shape_.copy(to, cell[this->above(i)]);
        return {{out, this->n_below() + shared, stride}, {middle, shared + this->n_above(), stride}};
    }

    /// Go to the sides of a split that are to be visited; `in_line`: it was along a line.
    void visit(Cell below, Cell above, int stage, int unit, bool mirrored, const Lines& lines, bool in_line) {
        Step step{stage, unit, mirrored, true};
        const bool follow = at_ < forced_.size();
        if (follow) {
            step = forced_[at_++];
            if (at_ == forced_.size()) watch_.arrive();
        }
        path_.push_back(step);
        Word nowhere = 0;
        const int place = is_last(stage) ? 0 : places_.stage[size_t(stage)] + unit;
        Word& earlier = earlier_.empty() || is_last(stage) ? nowhere : earlier_[size_t(place >> 6)];
        if (!step.sibling) earlier |= bit(place);
        const Goals::Range all = walk_.goals.now();
        auto go = [&](bool side) {
            const Cell cell = side ? above : below;
            if (walk_.goals.on()) {
                walk_.goals.go(all);
                walk_.goals.go(walk_.goals.side(stage, unit, side));
                if (walk_.goals.now().empty()) return;
            }
            if (in_line) enter(cell, stage, side != mirrored, lines);
            else explore(cell, stage, side != mirrored, lines);
        };
        go(step.side);
        if (step.sibling) {
            path_.back() = {stage, unit, !step.side, false}, earlier |= bit(place);
            go(!step.side);
        }
        walk_.goals.go(all);
        path_.pop_back(), earlier &= ~bit(place);
    }

    /// The same cell, with the signs of the next stage's units.
    void descend(Cell cell, int stage, const Set& positive, bool mirrored, const Lines& lines) {
        const int next = stage + 1;
        if (is_last(next) && at_ == forced_.size()) {
            if (walk_.skip)
                if (const std::int64_t passed = walk_.none_wanted_below()) {
                    counters_.cells += passed, walk_.leaf += passed, progress_ = true, walk_.share += share();
                    return;
                }
            walk_.begin = true;
        }
        this->set_active(stage, positive);
        writer_.changed(stage);
        if (is_last(next)) writer_.note(active_);
        forms_[size_t(next)].follow(forms_, active_, this->clock_);
        const typename Arena::Scope scope(arena_);
        const Cell copy{arena_.take(size_t(cell.count) * size_t(cell.stride)), cell.count, cell.stride};
        const Set& live = forms_[size_t(next)].live();
        for (int t = 0; t < cell.count; ++t) {
            Word *from = cell[t], *to = copy[t];
            shape_.copy(to, from);
            note_zeros(from, to, stage);
            for (int q = 0; q < shape_.words(); ++q) shape_.positive(to)[q] = shape_.negative(to)[q] = 0;
            watch_.spend(shape_.dim() * problem_.stages[size_t(next)].units);
            const double e = shape_.error(to);
            counters_.evaluations += problem_.stages[size_t(next)].units;
            Set unsure = live - this->multiples_[size_t(next)];
            if (e <= LOOSE) [[likely]] {
                const bool whole = problem_.whole && e == 0;
                const Signs<Set> s = whole ? forms_[size_t(next)].whole_signs(shape_.x(to)) : forms_[size_t(next)].signs(shape_.x(to), e);
                (s.positive & live).store(shape_.positive(to)), (s.negative & live).store(shape_.negative(to));
                unsure &= s.unsure;
            }
            if (unsure.any()) [[unlikely]] {
                unsure = this->through_hidden(from, to, next, unsure);
                if (unsure.any()) this->decide(to, next, unsure);
            }
            this->copy_signs(to, next, live);
        }
        enter(copy, next, mirrored, lines);
    }

    void note_zeros(Word* from, Word* to, int stage) const {
        if (!shape_.zero_words()) return;
        const int units = problem_.stages[size_t(stage)].units;
        for (int q = 0; 64 * q < units; ++q) {
            const Word full = units - 64 * q >= 64 ? ~Word{0} : bit(units - 64 * q) - 1;
            add_members(shape_.zeros(to), places_.stage[size_t(stage)] + 64 * q, ~(shape_.positive(from)[q] | shape_.negative(from)[q]) & full);
        }
    }

    /// End here if the run is to end softly, between two cells.
    void pause() {
        if (progress_ && at_ == forced_.size() && (watch_.soft() || walk_.batch_full())) throw Stopped();
    }
    void check_end_of_root() {
        if (counters_.cells >= walk_.cell_limit) watch_.end_softly();
        if ((watch_.soft() || walk_.batch_full()) && walk_.position.roots > 1) {
            walk_.position.next_root();
            throw Stopped();
        }
    }
    void count_cell(Cell cell, int stage, const Lines& lines) {
        if (at_ < forced_.size()) throw BadPath();
        pause();
        counters_.most_generators = std::max<std::int64_t>(counters_.most_generators, cell.count);
        this->tally_ = 0;
        try {
            this->count(cell, this->dim() - int(lines.size()), stage, forms_[size_t(stage)].live());
        } catch (...) {
            walk_.partial = this->tally_;
            throw;
        }
        found(this->tally_);
    }

    // -------------------------------------------------------------------------------------------------------- lines

    /// Split a cell by a unit that a line of it crosses, and visit the parts; false if there is no such unit.
    ///
    /// The generators move along the line into the unit's zero set, and the line's two directions become rays.
    PUISEUX_RARELY bool cut_line(Cell cell, int stage, bool mirrored, const Lines& lines) {
        pause();
        const std::vector<Integers> directions = this->line_directions(cell, lines);
        const bool follow = at_ < forced_.size();
        const int units = problem_.stages[size_t(stage)].units;
        if (follow && forced_[at_].stage == stage && (forced_[at_].unit < 0 || forced_[at_].unit >= units)) throw BadPath();
        const bool here = follow && forced_[at_].stage == stage;
        const int begin = here ? forced_[at_].unit : 0;
        const typename Base::LineCrossing crossing = this->first_crossing(stage, begin, here ? begin + 1 : units, lines, directions);
        if (crossing.unit < 0) {
            if (here) return this->first_crossing(stage, 0, units, lines, directions).unit >= 0 ? throw BadPath() : false;
            return false;
        }
        const int unit = crossing.unit;
        const Integers row = this->exact_row(stage, unit);
        const typename Arena::Scope scope(arena_);
        const int slot = this->free_slot(cell), stride = shape_.stride(), count = cell.count;
        Word* out = arena_.take(size_t(count + 2) * size_t(stride));  // the end below, the moved ones, the end above
        this->move_along(cell, stage, slot, crossing.axis, row, directions[size_t(crossing.number)], out);
        Lines left;
        for (const int c : lines)
            if (c != crossing.axis) left.push_back(c);
        const typename Base::SlotScope owner(owner_, slot, {stage, unit});
        visit({out, count + 1, stride}, {out + stride, count + 1, stride}, stage, unit, mirrored, left, true);
        return true;
    }
};

}  // namespace puiseux::cells
