// A run over (a part of) the tree, slice by slice, in whatever engine the cells need.
#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "cutting.hpp"
#include "deep_stack.hpp"
#include "engine.hpp"
#include "zero_sets.hpp"

namespace puiseux::cells {

class Explorer {
public:
    Walk walk;

    Explorer(std::shared_ptr<const Problem> problem, Emit emit, bool counting, std::shared_ptr<const ResidueNetwork> residues)
        : walk(*problem), problem_(std::move(problem)), residues_(std::move(residues)), with_zeros_(with_zeros(emit)) {
        walk.emit = emit, walk.counting = counting, walk.residues = emit == Emit::NOTHING ? nullptr : residues_.get();
        const int words = problem_->words(), slots = int(problem_->slots.size() + problem_->start_rows.size());
        width_ = words == 1 && slots < 64 ? Width::ONE : words <= 2 && slots < 128 ? Width::TWO : Width::MANY;
        facet_words_ = std::max(2, words_for(slots + problem_->dim + 8));
    }

    /// The words of a set of zeros as it is written: of the units of each stage, then of the walls.
    int zero_words() const {
        int total = 0;
        for (const Stage& s : problem_->stages) total += words_for(s.units);
        return with_zeros_ ? total + (int(problem_->walls.size()) + 63) / 64 : 0;
    }

    /// Begin at some start cells, at the end of a path.
    void start(Position position) {
        walk.position = std::move(position), walk.begin = true, walk.share = 0, walk.partial = 0;
    }

    /// Work for a slice; true when all is done.
    bool work() {
        walk.watch.start();
        walk.partial = 0;
        const size_t depth = size_t(problem_->total_units()) + problem_->stages.size() + size_t(problem_->dim);
        if (depth <= DEPTH) return work_here();
        bool done = false;
        with_deep_stack(FRAME * depth, walk.watch, [&] { done = work_here(); });
        return done;
    }

private:
    // the recursion goes as deep as there are units: so much of it fits on any stack, and a level takes less than so many bytes
    static constexpr size_t DEPTH = 128, FRAME = 4096;

    bool work_here() {
        while (walk.position.roots > 0) {
            try {
                if (!engine_) engine_ = make_engine(width_, facet_words_, walk, with_zeros_ ? ZeroPlaces(*problem_).words : 0);
                engine_->run();
            } catch (const Stopped&) {
                return false;
            } catch (const MoreFacets&) {
                engine_.reset();
                if (width_ == Width::MANY || problem_->dim > 12) facet_words_ *= 2;
                else width_ = Width(int(width_) + 1);
                if (width_ == Width::MANY) facet_words_ = std::max(facet_words_, 4);
            }
        }
        return true;
    }

    std::shared_ptr<const Problem> problem_;
    std::shared_ptr<const ResidueNetwork> residues_;
    bool with_zeros_;
    Width width_;
    int facet_words_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace puiseux::cells
