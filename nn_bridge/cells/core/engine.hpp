// The engines that are compiled: storage for 2, 3, 4 and 6 coordinates with sets of one or two words, for 8 and 12 with sets
// of one, and one for everything else; and one that counts without cells, for problems without a start cell.
// Each takes some three seconds to compile; sets of two words in eight and more coordinates belong to counts that no one ends.
#pragma once
#include <memory>

#include "walk.hpp"

namespace puiseux::cells {

/// Sets of one word, of two, or of as many as are needed.
enum class Width { ONE, TWO, MANY };

template <int N>
std::unique_ptr<Engine> engine_of(Width width, Walk& walk, int zero_words);
std::unique_ptr<Engine> engine_of_any_size(int facet_words, Walk& walk, int zero_words);
std::unique_ptr<Engine> engine_of_arrangements(Walk& walk);

extern template std::unique_ptr<Engine> engine_of<2>(Width, Walk&, int);
extern template std::unique_ptr<Engine> engine_of<3>(Width, Walk&, int);
extern template std::unique_ptr<Engine> engine_of<4>(Width, Walk&, int);
extern template std::unique_ptr<Engine> engine_of<6>(Width, Walk&, int);
extern template std::unique_ptr<Engine> engine_of<8>(Width, Walk&, int);
extern template std::unique_ptr<Engine> engine_of<12>(Width, Walk&, int);

/// An engine for a problem: of the given width at least; facet_words tell how many facets a cell may have at MANY.
inline std::unique_ptr<Engine> make_engine(Width width, int facet_words, Walk& walk, int zero_words) {
    const int n = walk.problem.dim;
    if (walk.problem.generators.empty()) return engine_of_arrangements(walk);
    if (width == Width::MANY || n > 12 || (n > 6 && width == Width::TWO)) return engine_of_any_size(facet_words, walk, zero_words);
    if (n <= 2) return engine_of<2>(width, walk, zero_words);
    if (n == 3) return engine_of<3>(width, walk, zero_words);
    if (n == 4) return engine_of<4>(width, walk, zero_words);
    if (n <= 6) return engine_of<6>(width, walk, zero_words);
    if (n <= 8) return engine_of<8>(width, walk, zero_words);
    return engine_of<12>(width, walk, zero_words);
}

}  // namespace puiseux::cells
