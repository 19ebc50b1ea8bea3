// What a file that compiles the engine for one number of coordinates includes.
#pragma once
#include <memory>

#include "engine.hpp"
#include "tree.hpp"

namespace puiseux::cells {

template <int N>
std::unique_ptr<Engine> engine_of(Width width, Walk& walk, int zero_words) {
    const int n = walk.problem.dim;
    if (width == Width::ONE) return std::make_unique<Tree<Shape<N, 1>>>(Shape<N, 1>(n, 1, 1, zero_words), walk);
    if constexpr (N <= 6) return std::make_unique<Tree<Shape<N, 2>>>(Shape<N, 2>(n, 2, 2, zero_words), walk);
    else return nullptr;  // `make_engine` does not ask for it
}

}  // namespace puiseux::cells
