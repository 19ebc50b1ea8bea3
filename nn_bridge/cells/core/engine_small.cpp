#include <memory>

#include "engine_of.hpp"

template std::unique_ptr<puiseux::cells::Engine> puiseux::cells::engine_of<2>(Width, Walk&, int);
template std::unique_ptr<puiseux::cells::Engine> puiseux::cells::engine_of<3>(Width, Walk&, int);
