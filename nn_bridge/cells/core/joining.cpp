// Python's way to the tables of nn_bridge.cells.joining: functions of the module nn_bridge.cells._core.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "components.hpp"
#include "joining.hpp"
#include "map_pieces.hpp"
#include "whole_maps.hpp"
#include "whole_numbers.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace puiseux::cells::joining {

namespace {

using Place = std::pair<std::int64_t, std::int64_t>;
using Told = std::optional<In<Word, 2>>;

/// The words of patterns, or of units, of so many cells; all is checked.
const Word* rows_of(const In<Word, 2>& given, std::size_t cells, const Components& table) {
    if (given.shape(0) != cells || given.shape(1) != table.columns()) throw std::invalid_argument("arrays that do not fit");
    return given.data();
}
const Word* rows_of(const Told& given, std::size_t cells, const Components& table) { return given ? rows_of(*given, cells, table) : nullptr; }

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
}

}  // namespace puiseux::cells::joining
