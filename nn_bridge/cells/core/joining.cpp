// Python's way to the tables of nn_bridge.cells.joining: functions of the module nn_bridge.cells._core.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "components.hpp"
#include "covered_units.hpp"
#include "derivatives.hpp"
#include "gradients.hpp"
#include "joining.hpp"
#include "map_pieces.hpp"
#include "python_integers.hpp"
#include "whole_maps.hpp"
#include "whole_numbers.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace puiseux::cells::joining {

namespace {

template <class T, int D>
using In = nb::ndarray<const T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;
template <class T, int D>
using Out = nb::ndarray<T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;
using Place = std::pair<std::int64_t, std::int64_t>;

/// The units of each pattern with which the outputs move: active ones whose derivative is not zero modulo the prime.
void moving(const Word* patterns, std::int64_t leaves, const ResidueNetwork& network, int words, Word* result) {
    const int stages = int(network.stages.size());
    Gradients<Units<DYNAMIC>> gradients(network, words);
    const Units<DYNAMIC> none(words);
    std::vector<Units<DYNAMIC>> active(size_t(stages), none);
    for (std::int64_t k = 0; k < leaves; ++k) {
        const Word* pattern = patterns + k * stages * words;
        for (int s = 0; s < stages; ++s) active[size_t(s)] = Units<DYNAMIC>(pattern + s * words, words);
        gradients.find(active, active.back());
        for (int s = 0; s < stages; ++s) {
            Units<DYNAMIC> own = active[size_t(s)];
            active[size_t(s)].each([&](int j) {
                if (gradients.is_zero(s, j)) own.drop(j);
            });
            own.store(result + (k * stages + s) * words);
        }
    }
}

void require_limbs(int limbs) {
    if (limbs < 0 || limbs > 8 || limbs == 5 || limbs == 7) throw std::invalid_argument("derivatives of so many limbs were not compiled");
}

/// The weights of an integer network: of each stage, and last of the output, its units and blocks of sparse weights; all is checked.
/// Without limbs they tell alone which weights are not zero.
std::shared_ptr<WholeWeights> make_weights(nb::list stages, int limbs) {
    auto network = std::make_shared<WholeWeights>();
    require_limbs(limbs);
    network->limbs = limbs;
    auto no_fit = [] { return std::invalid_argument("a block of weights does not fit its stage"); };
    for (nb::handle s : stages) {
        const auto stage = nb::cast<nb::tuple>(s);
        const int below = int(network->units.size()), units = nb::cast<int>(stage[0]);
        if (units < 0 || stage.size() < 2 || stage.size() > 3) throw no_fit();
        if (stage.size() == 3) {
            const auto constants = nb::cast<In<Word, 2>>(stage[2]);
            const size_t rows = constants.shape(0), inputs = units ? rows / size_t(units) : size_t(network->inputs);
            if (rows != inputs * size_t(units) || int(constants.shape(1)) != limbs || inputs > 1 << 30 || (below && int(inputs) != network->inputs)) throw no_fit();
            network->inputs = int(inputs);
            network->constants.emplace_back(constants.data(), constants.data() + constants.size());
        }
        network->blocks.emplace_back();
        for (nb::handle b : nb::cast<nb::list>(stage[1])) {
            const auto given = nb::cast<nb::tuple>(b);
            const auto source = nb::cast<int>(given[0]);
            const auto row = nb::cast<In<std::int32_t, 1>>(given[1]), column = nb::cast<In<std::int32_t, 1>>(given[2]);
            const auto weights = nb::cast<In<Word, 2>>(given[3]);
            const size_t count = column.size();
            if (source < 0 || source >= below || row.size() != count || weights.shape(0) != count || int(weights.shape(1)) != limbs) throw no_fit();
            auto& block = network->add_block(source, units);
            for (size_t k = 0; k < count; ++k) {
                const int j = row(k), i = column(k);
                if (j < 0 || j >= units || i < 0 || i >= network->units[size_t(source)]) throw no_fit();
                block.readers[size_t(i) * size_t(words_for(units)) + size_t(j >> 6)] |= bit(j);
                for (size_t l = 0; l < size_t(limbs); ++l) block.weights[(size_t(i) * size_t(units) + size_t(j)) * size_t(limbs) + l] = weights(k, l);
            }
        }
        network->units.push_back(units);
    }
    if (network->units.empty() || network->units.back() < 1) throw no_fit();
    if (!network->constants.empty() && network->constants.size() != network->units.size()) throw no_fit();
    return network;
}

/// The numbers of a network: of each stage, and last of the outputs, its biases and blocks of sparse rows; all is checked.
///
/// Integers come as an array beside the powers of two by which they are divided, or, times the stage's factor, as a list.
std::shared_ptr<WholeNumbers> make_numbers(int inputs, nb::list stages) {
    auto found = std::make_shared<WholeNumbers>();
    found->inputs = inputs;
    auto no_fit = [] { return std::invalid_argument("numbers that do not fit their stage"); };
    using Longs = In<std::int64_t, 1>;
    auto values_of = [&](nb::handle numbers, nb::handle halvings) {
        WholeNumbers::Values values;
        if (halvings.is_none()) {
            values.large = integers_of(numbers);
            values.shift.assign(values.large.size(), 0);
            return values;
        }
        const auto own = nb::cast<Longs>(numbers), powers = nb::cast<Longs>(halvings);
        if (own.size() != powers.size()) throw no_fit();
        values.small.assign(own.data(), own.data() + own.size());
        values.shift.assign(powers.data(), powers.data() + powers.size());
        for (const std::int64_t power : values.shift)
            if (power < 0) throw no_fit();
        return values;
    };
    for (nb::handle s : stages) {
        const auto given = nb::cast<nb::tuple>(s);
        const bool cleared = nb::handle(given[1]).is_none();
        if (!found->stages.empty() && found->stages.back().cleared && !cleared) throw no_fit();
        WholeNumbers::Stage stage{values_of(given[0], given[1]), {}, cleared};
        for (nb::handle b : nb::cast<nb::list>(given[2])) {
            const auto block = nb::cast<nb::tuple>(b);
            const auto source = nb::cast<int>(block[0]);
            const auto begin = nb::cast<Longs>(block[1]);
            const auto column = nb::cast<In<std::int32_t, 1>>(block[2]);
            if (source < 0 || size_t(source) > found->stages.size() || int(begin.size()) != stage.units() + 1 || nb::handle(block[4]).is_none() != cleared) throw no_fit();
            WholeNumbers::Block& to = stage.blocks.emplace_back(WholeNumbers::Block{source, {}, {column.data(), column.data() + column.size()}, values_of(block[3], block[4])});
            const int columns = source ? found->stages[size_t(source) - 1].units() : inputs;
            for (const std::int32_t i : to.column)
                if (i < 0 || i >= columns) throw no_fit();
            for (int j = 0; j < stage.units(); ++j) {
                if (begin(size_t(j)) != std::int64_t(to.row.size()) || begin(size_t(j) + 1) < begin(size_t(j)) || size_t(begin(size_t(j) + 1)) > column.size()) throw no_fit();
                to.row.resize(size_t(begin(size_t(j) + 1)), j);
            }
            if (to.row.size() != column.size() || to.weights.size() != column.size()) throw no_fit();
        }
        found->stages.push_back(std::move(stage));
    }
    if (inputs < 0 || found->stages.empty() || found->stages.back().units() < 1) throw no_fit();
    found->clear_denominators();
    return found;
}

void bind_numbers(nb::module_& m) {
    using Residues = In<Residue, 1>;
    nb::class_<WholeNumbers>(m, "WholeNumbers")
        .def("residues",
             [](const WholeNumbers& n, Residues one, Residues two, Residues mix) {
                 if (int(one.size()) != n.inputs || int(two.size()) != n.inputs || int(mix.size()) != n.stages.back().units() || n.stages.size() < 2)
                     throw std::invalid_argument("residues that do not fit the network");
                 nb::gil_scoped_release release;
                 return residues_of(n, {one.data(), two.data()}, mix.data());
             },
             "one"_a, "two"_a, "mix"_a)
        .def("weights",
             [](const WholeNumbers& n, int limbs, bool maps) {
                 require_limbs(limbs);
                 nb::gil_scoped_release release;
                 return weights_of(n, limbs, maps);
             },
             "limbs"_a, "maps"_a)
        .def("covered_units",
             [](const WholeNumbers& n) {
                 std::vector<std::tuple<int, int, int, int>> found;
                 for (const Cover& c : covered_units(n)) found.emplace_back(c.stage, c.unit, c.of_stage, c.of_unit);
                 return found;
             })
        .def("unread_units", &unread_units)
        .def("derivative_weights", &derivative_weights)
        .def("map_weights", &map_weights)
        .def_prop_ro("derivative_bound", &derivative_bound)
        .def_prop_ro("coefficient_bound", &coefficient_bound);
    m.def("whole_numbers", &make_numbers, "inputs"_a, "stages"_a);
}

using Told = std::optional<In<Word, 2>>;

/// The words of patterns, or of units, of so many cells; all is checked.
const Word* rows_of(const In<Word, 2>& given, std::size_t cells, const Components& table) {
    if (given.shape(0) != cells || given.shape(1) != table.columns()) throw std::invalid_argument("arrays that do not fit");
    return given.data();
}
const Word* rows_of(const Told& given, std::size_t cells, const Components& table) { return given ? rows_of(*given, cells, table) : nullptr; }

/// Numbers as an array that owns them, in rows of so many or, without columns, side by side.
template <class T>
nb::object array_of(std::vector<T>&& numbers, std::size_t columns = 0) {
    auto* data = new std::vector<T>(std::move(numbers));
    nb::capsule owner(data, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    const std::size_t shape[2] = {columns ? data->size() / columns : data->size(), columns};
    return nb::cast(nb::ndarray<nb::numpy, T>(data->data(), columns ? 2 : 1, shape, owner));
}
/// What a function gives that runs without the lock of the interpreter.
template <class Work>
nb::object numbers_of(Work&& work) {
    std::vector<std::int64_t> found;
    {
        nb::gil_scoped_release release;
        found = work();
    }
    return array_of(std::move(found));
}

/// Faces with sets of zeros of cells of a table; all is checked but the numbers of their cells.
FaceSets faces_of(const In<std::int64_t, 1>& cell, const In<Word, 2>& zeros, const Components& table) {
    if (zeros.shape(0) != cell.size() || zeros.shape(1) < table.unit_words()) throw std::invalid_argument("arrays that do not fit");
    return {cell.data(), zeros.data(), std::int64_t(cell.size())};
}

void bind_components(nb::module_& m) {
    using Numbers = In<std::int64_t, 1>;
    nb::class_<Components>(m, "Components")
        .def("__init__",
             [](Components* self, std::shared_ptr<WholeNumbers> numbers, int words, std::int64_t most) { new (self) Components(std::move(numbers), words, most); },
             "numbers"_a, "words"_a, "most"_a)
        .def("cover",
             [](Components& c, const std::vector<std::array<int, 4>>& covers) {
                 std::vector<Cover> found;
                 for (const auto& [stage, unit, of_stage, of_unit] : covers) found.push_back({stage, unit, of_stage, of_unit});
                 c.cover(found);
             },
             "covers"_a)
        .def("add",
             [](Components& c, In<Word, 2> patterns, In<Word, 1> residues, Told told) {
                 const Word *own = rows_of(patterns, residues.size(), c), *units = rows_of(told, residues.size(), c);
                 return numbers_of([&] { return c.add(own, residues.data(), units, std::int64_t(residues.size())); });
             },
             "patterns"_a, "residues"_a, "told"_a.none())
        .def("settle",
             [](Components& c, Numbers cells, Numbers maps, Told told) {
                 const Word* units = rows_of(told, cells.size(), c);
                 if (maps.size() != cells.size()) throw std::invalid_argument("arrays that do not fit");
                 nb::gil_scoped_release release;
                 c.settle(cells.data(), maps.data(), units, std::int64_t(cells.size()));
             },
             "cells"_a, "maps"_a, "told"_a.none())
        .def("add_map", &Components::add_map)
        .def("maps_of",
             [](const Components& c, Numbers cells) {
                 std::vector<std::int64_t> found;
                 for (std::size_t k = 0; k < cells.size(); ++k) found.push_back(c.map(cells(k)));
                 return array_of(std::move(found));
             },
             "cells"_a)
        .def("firsts_of",
             [](const Components& c, Numbers maps) {
                 std::vector<std::int64_t> found;
                 for (std::size_t k = 0; k < maps.size(); ++k) found.push_back(c.first(maps(k)));
                 return array_of(std::move(found));
             },
             "maps"_a)
        .def("patterns_of",
             [](const Components& c, Numbers cells) {
                 std::vector<Word> found(cells.size() * c.columns());
                 for (std::size_t k = 0; k < cells.size(); ++k) c.pattern(cells(k), found.data() + k * c.columns());
                 return array_of(std::move(found), c.columns());
             },
             "cells"_a)
        .def("pieces", [](const Components& c) { return numbers_of([&] { return c.pieces(); }); })
        .def("in_pieces", [](const Components& c) { return numbers_of([&] { return c.in_pieces(); }); })
        .def("choose",
             [](Components& c, Numbers cells) {
                 nb::gil_scoped_release release;
                 c.choose(cells.data(), std::int64_t(cells.size()));
             },
             "cells"_a)
        .def("join_again",
             [](Components& c, Numbers numbers, In<Word, 2> patterns, Numbers facet_cell, In<Word, 2> facet_zeros) {
                 const Word* own = rows_of(patterns, numbers.size(), c);
                 const FaceSets facets = faces_of(facet_cell, facet_zeros, c);
                 nb::gil_scoped_release release;
                 return c.join_again(numbers.data(), own, std::int64_t(numbers.size()), facets, facet_zeros.shape(1));
             },
             "numbers"_a, "patterns"_a, "facet_cell"_a, "facet_zeros"_a)
        .def("cells_again",
             [](Components& c, In<Word, 2> patterns) {
                 const Word* own = rows_of(patterns, patterns.shape(0), c);
                 std::vector<std::int64_t> found;
                 for (std::size_t k = 0; k < patterns.shape(0); ++k) found.push_back(c.cell_again(own + k * c.columns()));
                 return array_of(std::move(found));
             },
             "patterns"_a)
        .def_prop_ro("cells", &Components::cells)
        .def_prop_ro("maps", &Components::maps)
        .def_prop_ro("divided", &Components::divided)
        .def_prop_ro("bytes", &Components::bytes);
}

void bind_whole_maps(nb::module_& m) {
    using Numbers = In<std::int64_t, 1>;
    nb::class_<WholeMaps>(m, "WholeMaps")
        .def("__init__",
             [](WholeMaps* self, std::vector<std::int64_t> columns, std::vector<std::int64_t> places, int width) {
                 new (self) WholeMaps(std::move(columns), std::move(places), width);
             },
             "columns"_a, "places"_a, "width"_a)
        .def("add",
             [](WholeMaps& w, Numbers numbers, Numbers maps, In<Word, 2> patterns, Numbers facet_cell, In<Word, 2> facet_zeros, Numbers point_cell,
                In<Word, 2> point_zeros) {
                 const std::size_t count = numbers.size();
                 auto faces = [&](const Numbers& cell, const In<Word, 2>& zeros) {
                     if (zeros.shape(0) != cell.size() || (cell.size() && zeros.shape(1) != w.zero_words())) throw std::invalid_argument("arrays that do not fit");
                     return FaceSets{cell.data(), zeros.data(), std::int64_t(cell.size())};
                 };
                 const FaceSets facets = faces(facet_cell, facet_zeros), points = faces(point_cell, point_zeros);
                 if (maps.size() != count || patterns.shape(0) != count || std::int64_t(patterns.shape(1)) < w.least_columns())
                     throw std::invalid_argument("arrays that do not fit");
                 nb::gil_scoped_release release;
                 w.add(numbers.data(), maps.data(), patterns.data(), patterns.shape(1), std::int64_t(count), facets, points);
             },
             "numbers"_a, "maps"_a, "patterns"_a, "facet_cell"_a, "facet_zeros"_a, "point_cell"_a, "point_zeros"_a)
        .def("pieces", &WholeMaps::pieces)
        .def_prop_ro("cells", &WholeMaps::cells);
}

void bind_map_pieces(nb::module_& m) {
    using Numbers = In<std::int64_t, 1>;
    nb::class_<MapPieces>(m, "MapPieces")
        .def("__init__",
             [](MapPieces* self, Components& cells) {
                 nb::gil_scoped_release release;
                 new (self) MapPieces(cells);
             },
             "cells"_a, nb::keep_alive<1, 2>())
        .def("outside", [](const MapPieces& p) { return numbers_of([&] { return p.outside(); }); })
        .def("add",
             [](MapPieces& p, Numbers numbers, In<Word, 2> patterns, Numbers facet_cell, In<Word, 2> facet_zeros, Numbers point_cell, In<Word, 2> point_zeros) {
                 const Word* own = rows_of(patterns, numbers.size(), p.table());
                 const FaceSets facets = faces_of(facet_cell, facet_zeros, p.table()), points = faces_of(point_cell, point_zeros, p.table());
                 if (facet_zeros.shape(1) != point_zeros.shape(1)) throw std::invalid_argument("arrays that do not fit");
                 nb::gil_scoped_release release;
                 return p.add(numbers.data(), own, std::int64_t(numbers.size()), facets, points, facet_zeros.shape(1));
             },
             "numbers"_a, "patterns"_a, "facet_cell"_a, "facet_zeros"_a, "point_cell"_a, "point_zeros"_a)
        .def("pieces", &MapPieces::pieces)
        .def_prop_ro("cells", &MapPieces::cells)
        .def_prop_ro("most", &MapPieces::most);
}

/// The functions on tables whose bearers are of one type.
template <class Number>
void bind_table(nb::module_& m) {
    m.def(
        "rehash",
        [](In<Word, 2> keys, In<Number, 1> bearer, Out<Word, 2> new_keys, Out<Number, 1> new_bearer) {
            Table<Number> larger(new_keys.data(), new_bearer.data(), std::int64_t(new_bearer.size()), int(keys.shape(1)));
            Table<Number>(const_cast<Word*>(keys.data()), const_cast<Number*>(bearer.data()), std::int64_t(bearer.size()), int(keys.shape(1))).move_to(larger);
        },
        "keys"_a.noconvert(), "bearer"_a.noconvert(), "new_keys"_a.noconvert(), "new_bearer"_a.noconvert());
    m.def(
        "number",
        [](In<Word, 2> rows, Out<Word, 2> keys, Out<Number, 1> bearer, Out<std::int64_t, 1> state, Out<std::int64_t, 1> numbers,
           Out<std::int64_t, 1> fresh, Place begin) {
            nb::gil_scoped_release release;
            Table<Number> table(keys.data(), bearer.data(), std::int64_t(bearer.size()), int(rows.shape(1)));
            return number(rows.data(), std::int64_t(rows.shape(0)), int(rows.shape(1)), table, state.data(), numbers.data(), fresh.data(), begin.first, begin.second);
        },
        "rows"_a, "keys"_a.noconvert(), "bearer"_a.noconvert(), "state"_a.noconvert(), "numbers"_a.noconvert(), "fresh"_a.noconvert(), "begin"_a);
}

}  // namespace

void bind(nb::module_& m) {
    nb::class_<WholeWeights>(m, "WholeWeights")
        .def_ro("limbs", &WholeWeights::limbs)
        .def_prop_ro("size", [](const WholeWeights& w) { return std::int64_t(w.units.back()) * w.inputs * w.limbs; })
        .def("__eq__", [](const WholeWeights& w, const WholeWeights& other) { return w == other; });
    bind_numbers(m);
    bind_components(m);
    bind_whole_maps(m);
    bind_map_pieces(m);
    bind_table<std::int32_t>(m);
    bind_table<std::int64_t>(m);
    m.def(
        "pack",
        [](In<Word, 2> patterns, In<std::int64_t, 1> rows, In<Word, 2> zeros, In<std::int64_t, 1> columns, In<std::int64_t, 1> places, Out<Word, 2> keys) {
            nb::gil_scoped_release release;
            pack(patterns.data(), int(patterns.shape(1)), rows.data(), std::int64_t(rows.size()), zeros.data(), int(zeros.shape(1)), columns.data(),
                 int(columns.size()), places.data(), int(places.size()), keys.data(), int(keys.shape(1)));
        },
        "patterns"_a, "rows"_a, "zeros"_a, "columns"_a, "places"_a, "keys"_a.noconvert());
    m.def(
        "relevant",
        [](In<Word, 2> patterns, In<Word, 3> read, In<Word, 1> by_output, Out<Word, 2> result) {
            nb::gil_scoped_release release;
            const int stages = int(read.shape(0));
            relevant(patterns.data(), std::int64_t(patterns.shape(0)), read.data(), stages, int(by_output.size()) / std::max(1, stages), by_output.data(),
                     result.data());
        },
        "patterns"_a, "read"_a, "by_output"_a, "result"_a.noconvert());
    m.def(
        "moving",
        [](In<Word, 2> patterns, const ResidueNetwork& network, Out<Word, 2> result) {
            nb::gil_scoped_release release;
            const int stages = int(network.stages.size());
            moving(patterns.data(), std::int64_t(patterns.shape(0)), network, int(patterns.shape(1)) / std::max(1, stages), result.data());
        },
        "patterns"_a, "network"_a, "result"_a.noconvert());
    m.def("whole_weights", &make_weights, "stages"_a, "limbs"_a);
    m.def(
        "alike",
        [](In<Word, 2> one, In<Word, 2> other, const WholeWeights& network, Out<bool, 1> result) {
            nb::gil_scoped_release release;
            const size_t columns = one.shape(1);
            const auto found = derivatives(network, int(columns) / std::max(1, int(network.units.size()) - 1));
            for (size_t k = 0; k < one.shape(0); ++k) found->begin(one.data() + k * columns), result.data()[k] = found->alike(other.data() + k * columns);
        },
        "one"_a, "other"_a, "network"_a, "result"_a.noconvert());
    m.def(
        "whole_maps",
        [](In<Word, 2> patterns, const WholeWeights& network, Out<Word, 2> result) {
            const size_t columns = patterns.shape(1), stages = network.units.size() - 1;
            const auto size = size_t(network.units.back()) * size_t(network.inputs) * size_t(network.limbs);
            if (network.constants.empty() || result.shape(0) != patterns.shape(0) || result.shape(1) != size || columns % std::max<size_t>(1, stages))
                throw std::invalid_argument("arrays that do not fit");
            nb::gil_scoped_release release;
            const auto found = derivatives(network, int(columns / std::max<size_t>(1, stages)));
            for (size_t k = 0; k < patterns.shape(0); ++k) found->begin(patterns.data() + k * columns), found->map(result.data() + k * size);
        },
        "patterns"_a, "network"_a, "result"_a.noconvert());
    m.def(
        "unlike",
        [](In<Word, 2> patterns, In<Word, 2> first, In<std::int64_t, 1> labels, In<Word, 3> read, In<Word, 1> by_output, Out<std::int64_t, 1> found) {
            nb::gil_scoped_release release;
            const int stages = int(read.shape(0)), words = int(read.shape(1)) / 64;
            return unlike(patterns.data(), std::int64_t(patterns.shape(0)), first.data(), labels.data(), read.data(), stages, words, by_output.data(), found.data());
        },
        "patterns"_a, "first"_a, "labels"_a, "read"_a, "by_output"_a, "found"_a.noconvert());
}

}  // namespace puiseux::cells::joining
