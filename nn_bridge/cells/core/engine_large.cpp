#include <memory>

#include "engine_of.hpp"

template std::unique_ptr<puiseux::cells::Engine> puiseux::cells::engine_of<8>(Width, Walk&, int);
template std::unique_ptr<puiseux::cells::Engine> puiseux::cells::engine_of<12>(Width, Walk&, int);

namespace puiseux::cells {

std::unique_ptr<Engine> engine_of_any_size(int facet_words, Walk& walk, int zero_words) {
    using Any = Shape<DYNAMIC, DYNAMIC>;
    return std::make_unique<Tree<Any>>(Any(walk.problem.dim, walk.problem.words(), facet_words, zero_words), walk);
}

}  // namespace puiseux::cells
