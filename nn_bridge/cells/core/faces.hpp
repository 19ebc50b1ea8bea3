// The faces of a leaf: its generators and facets, each as the set of units and walls that vanish on it.
//
// No coordinates are compared: a set of zeros, with the leaf's pattern elsewhere, names a face.
#pragma once
#include "shape.hpp"
#include "walk.hpp"

namespace puiseux::cells {

template <class S>
class Faces {
public:
    Faces(const S& shape, Walk& walk) : shape_(shape), walk_(walk) {}

    /// Write a leaf's generators and facets, each with the set of units and walls that vanish on it.
    ///
    /// A facet is a maximal proper set of generators cut out by one unit or wall, with at least one vertex among them.
    void write(Cell cell, int stage, int place, int lines) {
        Batch& b = walk_.batch;
        const int zw = shape_.zero_words(), count = cell.count, units = walk_.problem.stages[size_t(stage)].units;
        const bool with_rays = walk_.emit == Emit::FACES;
        face_keys_.resize(size_t(zw) * size_t(count)), face_rows_.resize(size_t(2 * zw + count)), face_sizes_.assign(size_t(64 * zw), 0);
        Word *vertex = face_rows_.data(), *common = vertex + count, *some = common + zw;
        for (int t = 0; t < count; ++t) {
            Word* g = cell[t];
            const bool ray = shape_.is_ray(g), written = with_rays || !ray;
            vertex[t] = ray ? 0 : ~Word{0};
            for (int q = 0; q < zw; ++q) {
                Word z = shape_.zeros(g)[q];
                const int r = q - place;
                if (r >= 0 && 64 * r < units) {
                    z = ~(shape_.positive(g)[r] | shape_.negative(g)[r]);
                    if (units - 64 * r < 64) z &= bit(units - 64 * r) - 1;
                }
                face_keys_[size_t(q) * size_t(count) + size_t(t)] = z;
                if (written) b.generator_zeros.push_back(z);
            }
            if (!written) continue;
            b.generator_leaf.push_back(walk_.leaf), b.generator_ray.push_back(ray);
            if (with_rays) {
                const double* x = shape_.x(g);
                b.coordinates.insert(b.coordinates.end(), x, x + shape_.dim());
                b.coordinates.push_back(x[shape_.last()]), b.errors.push_back(shape_.error(g));
            }
        }
        // candidates: bits that some but not all generators have; by bit, how many have it, -1 where no vertex does
        for (int q = 0; q < zw; ++q) {
            const Word* keys = &face_keys_[size_t(q) * size_t(count)];
            Word any = 0, every = ~Word{0};
            for (int t = 0; t < count; ++t) any |= keys[t], every &= keys[t];
            common[q] = every, some[q] = any & ~every;
            for (Word w = some[q]; w; w &= w - 1) {
                const int i = std::countr_zero(w);
                Word size = 0, vertices = 0;
                for (int t = 0; t < count; ++t) {
                    const Word on = keys[t] >> i & 1;
                    size += on, vertices |= on & vertex[t];
                }
                face_sizes_[size_t(64 * q + i)] = vertices ? int(size) : -1;
            }
        }
        const int fewest = std::max(1, shape_.dim() - lines);
        for (int q = 0; q < zw; ++q)
            for (Word w = some[q]; w; w &= w - 1) {
                const int i = std::countr_zero(w), size = face_sizes_[size_t(64 * q + i)];
                if (size < fewest) continue;
                walk_.watch.spend(count);
                // another candidate whose generators contain these: larger means no facet, equal and earlier means known
                const Word* own = &face_keys_[size_t(q) * size_t(count)];
                const size_t begin = b.facet_zeros.size();
                bool keep = true;
                for (int r = 0; r < zw && keep; ++r) {
                    const Word* keys = &face_keys_[size_t(r) * size_t(count)];
                    Word closure = ~Word{0};
                    for (int t = 0; t < count; ++t) closure &= keys[t] | ((own[t] >> i & 1) - 1);
                    b.facet_zeros.push_back(closure);
                    for (Word other = closure & ~common[r]; other && keep; other &= other - 1) {
                        const int c = std::countr_zero(other);
                        keep = face_sizes_[size_t(64 * r + c)] <= size && !(r < q || (r == q && c < i));
                    }
                }
                if (keep) b.facet_leaf.push_back(walk_.leaf);
                else b.facet_zeros.resize(begin);
            }
    }

private:
    const S& shape_;
    Walk& walk_;
    std::vector<Word> face_keys_, face_rows_;
    std::vector<int> face_sizes_;
};

}  // namespace puiseux::cells
