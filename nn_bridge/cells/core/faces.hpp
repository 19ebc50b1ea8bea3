// The faces of a leaf: its generators and facets, each as the set of units and walls that vanish on it.
//
// No coordinates are compared: a set of zeros, with the leaf's pattern elsewhere, names a face.
//
// Lemma (faces that may join cells).  Call a vertex simple if as many units and walls vanish there as the cell has
// dimensions (less those of its lines).  (a) Where one unit alone vanishes on a facet, the cells on both sides have one map
// iff the outputs do not move with it (gradients.hpp); a facet with a simple vertex is such a facet.  (b) Two cells of one
// map that share a simple vertex are joined by facets.  So of the vertices only those that are not simple have to be told.
// Proof.  (a) The cells differ in that unit, the maps by its form times the derivative; of two units that vanish on a facet
// the forms depend on one another, and at a simple vertex the forms of the cell's facets are independent and there are no
// others.  (b) Switch the units in which the cells differ one by one, the last stage first.  Each step changes the map by a
// multiple of a unit's form under the pattern of the first cell, since no stage before it has been switched yet; the sum is
// zero and these forms are independent, so each multiple is zero, and each step crosses a facet between cells of one map.
#pragma once
#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include "gradients.hpp"
#include "shape.hpp"
#include "walk.hpp"
#include "zero_sets.hpp"

namespace puiseux::cells {

template <class S>
class Faces {
public:
    using Set = typename S::Set;

    Faces(const S& shape, Walk& walk) : shape_(shape), walk_(walk) {
        const ZeroPlaces zeros(walk.problem);
        const auto& stages = walk.problem.stages;
        for (int s = 0; s < int(stages.size()); ++s)
            for (int q = 0; 64 * q < stages[size_t(s)].units; ++q) {
                const bool stored = s + 1 < int(stages.size());
                places_.push_back({s, 64 * q, stored ? zeros.stage[size_t(s)] + 64 * q : 0, std::min(64, stages[size_t(s)].units - 64 * q)});
            }
        const int walls = int(walk.problem.walls.size());
        for (int i = 0; i < walls; i += 64) walls_.push_back({-1, i, zeros.walls + i, std::min(64, walls - i)});
    }

    /// Write a leaf's generators and facets, each with the set of units and walls that vanish on it.
    ///
    /// A facet is a maximal proper set of generators cut out by one unit or wall, with at least one vertex among them.
    void write(Cell cell, int lines, const std::vector<Set>& active, const Set& last) {
        const int zw = zero_words(), count = cell.count;
        const bool chosen = walk_.residues && walk_.emit == Emit::CHOSEN;
        collect(cell);
        write_generators(cell, lines, chosen);
        if (chosen) gradients().find(active, last);
        const int fewest = std::max(1, shape_.dim() - lines);
        for (int q = 0; q < zw; ++q)
            for (Word w = some_[q]; w; w &= w - 1) {
                const int i = std::countr_zero(w);
                if (chosen && (simple_[q] >> i & 1) && !may_join(q, i)) continue;
                write_facet(count, zw, q, i, fewest, chosen);
            }
    }

private:
    /// A word of the sets of zeros that are written: its first unit, and where its members are in those that are stored.
    struct Place {
        int stage, unit, begin, count;
    };
    const S& shape_;
    Walk& walk_;
    std::vector<Place> places_, walls_;  // of the words of units; those of the walls follow
    std::vector<int> on_;               // by generator, how many units and walls vanish there
    Word *vertex_ = nullptr, *common_ = nullptr, *some_ = nullptr, *simple_ = nullptr;

    /// How much the outputs move with units.
    Gradients<Set>& gradients() {
        if (!gradients_) gradients_.emplace(*walk_.residues, shape_.words());
        return *gradients_;
    }

    /// The words of a set of zeros as it is written.
    int zero_words() const { return int(places_.size() + walls_.size()); }

    /// Collect the sets of zeros of a cell's generators.
    void collect(Cell cell) {
        const int zw = zero_words(), count = cell.count;
        face_keys_.resize(size_t(zw) * size_t(count)), face_rows_.resize(size_t(3 * zw + count));
        sizes_known_ = false;
        vertex_ = face_rows_.data(), common_ = vertex_ + count, some_ = common_ + zw, simple_ = some_ + zw;
        on_.assign(size_t(count), 0);
        dispatch<Zeros>(*this, cell);
    }

    /// A word of the sets of zeros, generator by generator.
    const Word* key(int q, int count) const { return &face_keys_[size_t(q) * size_t(count)]; }

    /// Whether the cells on both sides of a facet on which one unit alone vanishes may have one map.
    bool may_join(int q, int i) const { return size_t(q) < places_.size() && gradients_->is_zero(places_[size_t(q)].stage, places_[size_t(q)].unit + i); }

    /// How many generators have a bit, -1 if no vertex does.
    int size_of(int count, int q, int i) {
        if (!sizes_known_) face_sizes_.assign(size_t(64 * zero_words()), UNKNOWN_SIZE), sizes_known_ = true;
        int& known = face_sizes_[size_t(64 * q + i)];
        if (known != UNKNOWN_SIZE) return known;
        const Word* keys = &face_keys_[size_t(q) * size_t(count)];
        Word size = 0, vertices = 0;
        for (int t = 0; t < count; ++t) {
            const Word on = keys[t] >> i & 1;
            size += on, vertices |= on & vertex_[t];
        }
        return known = vertices ? int(size) : -1;
    }

    /// Whether a bit cuts out a facet that no earlier bit cuts out; if so, its zeros are appended.
    bool is_facet(int count, int zw, int q, int i, int fewest, std::vector<Word>& zeros) {
        const int size = size_of(count, q, i);
        if (size < fewest) return false;
        walk_.watch.spend(count);
        // another bit whose generators contain these: more of them mean no facet, equally many and earlier mean known
        const Word* own = key(q, count);
        const size_t begin = zeros.size();
        bool keep = true;
        for (int r = 0; r < zw && keep; ++r) {
            const Word* keys = key(r, count);
            Word closure = ~Word{0};
            for (int t = 0; t < count; ++t) closure &= keys[t] | ((own[t] >> i & 1) - 1);
            zeros.push_back(closure);
            for (Word other = closure & ~common_[r]; other && keep; other &= other - 1) {
                const int c = std::countr_zero(other);
                keep = size_of(count, r, c) <= size && !(r < q || (r == q && c < i));
            }
        }
        if (!keep) zeros.resize(begin);
        return keep;
    }

    static constexpr int UNKNOWN_SIZE = -2;
    std::optional<Gradients<Set>> gradients_;
    std::vector<Word> face_keys_, face_rows_;
    std::vector<int> face_sizes_;       // by bit, how many generators have it, -1 where no vertex does
    bool sizes_known_ = false;          // whether they are those of the present cell

    /// The sets of zeros of all generators, by word, how many zeros each has, and which some and which all have.
    struct Zeros {
        PUISEUX_INLINE static void run(Faces& f, Cell cell) {
            const S& shape = f.shape_;
            const int zw = f.zero_words(), count = cell.count, last = int(f.walk_.problem.stages.size()) - 1;
            for (int t = 0; t < count; ++t) f.vertex_[t] = shape.is_ray(cell[t]) ? 0 : ~Word{0};
            for (int q = 0; q < zw; ++q) {
                Word* keys = &f.face_keys_[size_t(q) * size_t(count)];
                Word any = 0, every = ~Word{0};
                const Place& place = size_t(q) < f.places_.size() ? f.places_[size_t(q)] : f.walls_[size_t(q) - f.places_.size()];
                const bool present = place.stage == last;  // units of the last stage: known by their signs
                const int r = place.unit / 64;
                const Word full = present ? f.walk_.telling(r) : 0;
                for (int t = 0; t < count; ++t) {
                    Word* g = cell[t];
                    const Word z = present ? ~(shape.positive(g)[r] | shape.negative(g)[r]) & full : members_of(shape.zeros(g), place.begin, place.count);
                    keys[t] = z, any |= z, every &= z;
                    f.on_[size_t(t)] += bits_of(z);
                }
                f.common_[q] = every, f.some_[q] = any & ~every, f.simple_[q] = 0;
            }
        }
    };

    /// Write the generators that are wanted; note the zeros of simple vertices.
    void write_generators(Cell cell, int lines, bool chosen) {
        Batch& b = walk_.batch;
        const int zw = zero_words(), count = cell.count, fewest = shape_.dim() - lines;
        const bool with_rays = walk_.emit == Emit::FACES;
        for (int t = 0; t < count; ++t) {
            const bool ray = !vertex_[t];
            if (chosen && !ray && on_[size_t(t)] <= fewest) {
                for (int q = 0; q < zw; ++q) simple_[q] |= face_keys_[size_t(q) * size_t(count) + size_t(t)];
                continue;
            }
            if (ray && !with_rays) continue;
            for (int q = 0; q < zw; ++q) b.generator_zeros.push_back(face_keys_[size_t(q) * size_t(count) + size_t(t)]);
            b.generator_leaf.push_back(walk_.leaf), b.generator_ray.push_back(ray);
            if (with_rays) {
                Word* g = cell[t];
                const double* x = shape_.x(g);
                b.coordinates.insert(b.coordinates.end(), x, x + shape_.dim());
                b.coordinates.push_back(x[shape_.last()]), b.errors.push_back(shape_.error(g));
            }
        }
    }

    /// Write the facet that a bit cuts out, if it is one, no earlier bit cuts it out, and, where only joining ones are wanted, it may join cells.
    void write_facet(int count, int zw, int q, int i, int fewest, bool chosen) {
        std::vector<Word>& zeros = walk_.batch.facet_zeros;
        if (!is_facet(count, zw, q, i, fewest, zeros)) return;
        if (chosen) {
            int members = 0;
            for (auto zero = zeros.end() - zw; zero != zeros.end(); ++zero) members += bits_of(*zero);
            if (members == 1 && !may_join(q, i)) return zeros.resize(zeros.size() - size_t(zw));
        }
        walk_.batch.facet_leaf.push_back(walk_.leaf);
    }
};

}  // namespace puiseux::cells
