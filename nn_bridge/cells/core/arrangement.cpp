// Compiles the engine that counts without cells.
#include "arrangement.hpp"

#include <memory>

#include "engine.hpp"

namespace puiseux::cells {

std::unique_ptr<Engine> engine_of_arrangements(Walk& walk) { return std::make_unique<Arrangement>(walk); }

}  // namespace puiseux::cells
