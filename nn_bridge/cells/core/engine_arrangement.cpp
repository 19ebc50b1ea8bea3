#include "arrangement.hpp"
#include "engine.hpp"

namespace puiseux::cells {

std::unique_ptr<Engine> engine_of_arrangements(Walk& walk) { return std::make_unique<Arrangement>(walk); }

}  // namespace puiseux::cells
