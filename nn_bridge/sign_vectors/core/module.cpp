// Python's way to the loops of the edge subdivision: nn_bridge.sign_vectors._core.
//
// Arrays in, arrays out; `nn_bridge.sign_vectors.arrays` names the groups of arrays (tuples here), `_core.pyi` says what
// each function does.  Nothing is copied: an array of another type or layout is refused.  The loops run without the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include "cut.hpp"
#include "entry.hpp"
#include "pruning.hpp"
#include "results.hpp"

namespace nb = nanobind;
using namespace puiseux;
using namespace puiseux::edges;

namespace {

template <class T, int Dimensions>
nb::ndarray<T, nb::ndim<Dimensions>, nb::device::cpu> array_of(nb::handle h) {
    nb::ndarray<T, nb::ndim<Dimensions>, nb::device::cpu> a;
    if (!nb::try_cast(h, a, false)) {
        const std::string wanted = std::to_string(8 * sizeof(T)) + " bits";
        throw nb::type_error(("an array has another type, number of dimensions or is read-only; wanted: " + wanted).c_str());
    }
    if (a.size() && a.shape(Dimensions - 1) > 1 && a.stride(Dimensions - 1) != 1)
        throw nb::type_error("an array is not contiguous");
    return a;
}

template <class T>
Line<T> line(nb::handle h) {
    const auto a = array_of<T, 1>(h);
    return {a.data(), a.shape(0)};
}

/// A matrix whose rows follow one another.
template <class T>
Grid<T> strided(nb::handle h) {
    const auto a = array_of<T, 2>(h);
    return {a.data(), a.shape(0), a.shape(1), a.shape(0) > 1 && a.size() ? size_t(a.stride(0)) : a.shape(1)};
}

template <class T>
Grid<T> grid(nb::handle h) {
    const Grid<T> g = strided<T>(h);
    if (g.stride != g.columns) throw nb::type_error("the rows of an array do not follow one another");
    return g;
}

template <class T>
Grid<const T> read(Grid<T> g) {
    return {g.data, g.rows, g.columns, g.stride};
}

Vertices vertices_of(nb::tuple t) {
    return {grid<double>(t[0]), grid<Word>(t[1]), line<Word>(t[2]), grid<std::int16_t>(t[3]), line<std::int32_t>(t[4])};
}

/// Of vertices their rows alone.
Vertices rows_of(nb::handle rows) {
    Vertices v;
    v.rows = grid<double>(rows);
    return v;
}

Buckets buckets_of(nb::tuple t) {
    return {grid<std::int32_t>(t[0]), line<Number>(t[1]), line<Number>(t[2]), line<Number>(t[3])};
}

/// A matrix whose rows lie as far apart as is known before.
template <size_t Known>
Grid<Word, Known> rows_of_words(nb::handle h) {
    const Grid<Word> g = grid<Word>(h);
    if (Known && g.stride != Known) throw nb::type_error("the rows of an array have another length");
    return {g.data, g.rows, g.columns, g.stride};
}

template <size_t D>
Workspace<D> workspace_of(nb::tuple t) {
    return {line<std::int32_t>(t[0]), {rows_of_words<record_words(D)>(t[1])}, line<Word>(t[2]), line<Word>(t[3]), line<Word>(t[4])};
}

Names names_of(nb::tuple t) {
    return {line<const Word>(t[0]), line<const Word>(t[1]), line<const Word>(t[2]),
            line<const std::int32_t>(t[3]), line<const std::int32_t>(t[4]), line<const std::int32_t>(t[5])};
}

Later later_of(nb::tuple t) {
    return {line<const Number>(t[0]), line<const bool>(t[1]), line<const Number>(t[2]), line<const double>(t[3]),
            line<const Number>(t[4]), grid<const Number>(t[5]), line<const double>(t[6]), line<const double>(t[7]),
            line<const double>(t[8])};
}

/// The stage that comes in: (reads, weights, bias, kept, column, sharp).
Stage stage_of(nb::tuple t) {
    const Stage s{grid<const Number>(t[0]), grid<const double>(t[1]), line<const double>(t[2]), grid<const Number>(t[3]),
                  nb::cast<size_t>(t[4]), nb::cast<bool>(t[5])};
    Number inputs = 0;
    for (size_t source = 0; source < s.reads.rows; ++source) inputs += s.reads[source][1];
    if (s.weights.columns % LANES || s.weights.columns < s.units() || s.weights.rows != size_t(inputs))
        throw nb::type_error("the weights of a stage have another shape than what it reads");
    return s;
}

template <size_t D>
int cut(Block& block, const Vertices& vertices, nb::handle edges, nb::tuple buckets, nb::tuple work, nb::tuple names,
        nb::handle table, nb::handle scaled, nb::handle functional, nb::handle doubts) {
    Cutting<D> c{};
    c.vertices = vertices, c.edges = {rows_of_words<edge_words(D)>(edges)};
    c.buckets = buckets_of(buckets), c.work = workspace_of<D>(work);
    c.names = names_of(names), c.table = grid<const Word>(table).data, c.scaled = line<const double>(scaled).data;
    c.functional = line<const double>(functional).data, c.doubts = grid<Number>(doubts);
    c.height_scale = height_scale(c.functional, c.scaled, size_t(block.dim));
    constexpr size_t line = 8 * LANES;
    if (vertices.rows.stride % LANES || std::uintptr_t(vertices.rows.data) % line || std::uintptr_t(c.scaled) % line)
        throw nb::type_error("rows and scales do not begin on lines of the cache");
    c.moves = size_t(std::bit_width(size_t(std::max<Number>(block.longest, 1) - 1)));
    const size_t most = c.work.order.size << c.shift();
    if (size_t(block.longest) > size_t(1) << c.shift() || c.work.pairs.size <= TILE << c.shift() || c.work.keys.size < most ||
        c.buckets.next.size < BLOCK)
        throw nb::type_error("a workspace is too short");
    if (most >= TWICE) throw nb::type_error("a workspace is too long");
    nb::gil_scoped_release release;
    return dispatch<CutBlock<D>>(c, block);
}

void bind_cuts(nb::module_& m) {
    nb::class_<Block>(m, "Block")
        .def("__init__", [](Block* block, Number column, Number columns, Number count, Number dim, Number first, Number longest,
                            bool tolerant, Number vertices, Number edges) {
            new (block) Block{column, columns, count, dim, first, longest, tolerant, vertices, edges};
        })
        .def_rw("column", &Block::column).def_rw("columns", &Block::columns).def_rw("count", &Block::count)
        .def_rw("dim", &Block::dim).def_rw("first", &Block::first).def_rw("longest", &Block::longest)
        .def_rw("tolerant", &Block::tolerant).def_rw("vertices", &Block::vertices).def_rw("edges", &Block::edges)
        .def_rw("neuron", &Block::neuron).def_rw("begun", &Block::begun).def_rw("cuts", &Block::cuts)
        .def_rw("made", &Block::made).def_rw("joined", &Block::joined).def_rw("next_edge", &Block::next_edge)
        .def_rw("capacity", &Block::capacity).def_rw("found", &Block::found).def_rw("single", &Block::single)
        .def_rw("bad", &Block::bad).def_rw("free", &Block::free).def_rw("fresh", &Block::fresh);
    m.attr("DONE") = int(DONE), m.attr("NEED_ROOM") = int(NEED_ROOM), m.attr("DOUBT") = int(DOUBT), m.attr("TILE") = int(TILE);
    m.def("fill_word_table", [](nb::handle words, nb::handle table) {
        fill_word_table(line<const Word>(words), grid<Word>(table).data);
    });
    m.def("begin_block", [](Block& block, nb::tuple vertices, nb::handle edges, size_t count, nb::handle table, nb::tuple buckets) {
        const Vertices v = vertices_of(vertices);
        const Edges e{grid<Word>(edges)};
        const Buckets b = buckets_of(buckets);
        const Word* t = grid<const Word>(table).data;
        nb::gil_scoped_release release;
        begin_block(v, e, count, t, b, block);
    });
    m.def("cut_block", [](Block& block, nb::tuple vertices, nb::handle edges, nb::tuple buckets, nb::tuple work, nb::tuple names,
                          nb::handle table, nb::handle scaled, nb::handle functional, nb::handle doubts) {
        const Vertices v = vertices_of(vertices);
        const auto run = block.dim == 2 ? cut<2> : block.dim == 3 ? cut<3> : cut<0>;
        return run(block, v, edges, buckets, work, names, table, scaled, functional, doubts);
    });
    m.def("take_back", [](const Block& block, nb::handle edges, nb::handle order) {
        take_back(block, {grid<Word>(edges)}, line<const std::int32_t>(order).data);
    });
    m.def("end_block", [](nb::tuple vertices, size_t count, nb::handle table) {
        const Vertices v = vertices_of(vertices);
        const Word* t = grid<const Word>(table).data;
        nb::gil_scoped_release release;
        end_block(v, count, t);
    });
    m.def("renew_sign_word", [](nb::handle signs, size_t v, nb::handle values, size_t done) {
        Word& word = grid<Word>(signs)[v][0];
        word = renewed_sign_word(word, line<const double>(values), done);
    });
}

void bind_stages(nb::module_& m) {
    m.def("enter_stage", [](nb::tuple vertices, size_t count, nb::handle edges, size_t edge_count, nb::tuple stage,
                            nb::handle scaled, nb::handle result, nb::handle doubts) {
        const Vertices v = vertices_of(vertices);
        const Edges e{grid<Word>(edges)};
        const Stage s = stage_of(stage);
        const double* from = line<const double>(scaled).data;
        double* to = line<double>(result).data;
        const Doubts found = grid<Number>(doubts);
        nb::gil_scoped_release release;
        return dispatch<EnterStage>(v, count, e, edge_count, s, from, to, found);
    });
    m.def("later_signs", [](nb::tuple vertices, size_t count, size_t checked, size_t column, size_t units, nb::handle scaled,
                            nb::handle doubts) {
        const Vertices v = vertices_of(vertices);
        const double* s = line<const double>(scaled).data;
        const Doubts found = grid<Number>(doubts);
        nb::gil_scoped_release release;
        return dispatch<LaterSigns>(v, count, checked, column, units, s, found);
    });
}

void bind_pruning(nb::module_& m) {
    m.def("open_cells", [](nb::handle order, nb::handle start, nb::handle members, size_t per_group, nb::handle rows,
                           nb::handle scaled, size_t vertices, nb::tuple later, nb::handle result) {
        const auto chosen = line<const Number>(order);
        const Incidences cells{line<const Number>(start), line<const Number>(members)};
        const Vertices v = rows_of(rows);
        const double* s = line<const double>(scaled).data;
        const Later stages = later_of(later);
        const auto open = line<bool>(result);
        nb::gil_scoped_release release;
        dispatch<OpenCells>(chosen, cells, per_group, v, s, vertices, stages, open);
    });
    m.def("number_cells", [](nb::handle base, nb::handle zeros, nb::handle zero, nb::handle positive, nb::handle cell,
                             nb::handle slots) {
        const auto words = line<const Word>(base), z = line<const Word>(zero), p = line<const Word>(positive);
        const auto names = grid<const std::int16_t>(zeros);
        const auto to = line<Number>(cell);
        const auto table = grid<Word>(slots);
        nb::gil_scoped_release release;
        return number_cells(words, names, z, p, to, table);
    });
    m.def("gather_members", [](nb::handle cell, nb::handle zeros, nb::handle start, nb::handle members) {
        const auto cells = line<const Number>(cell);
        const auto names = grid<const std::int16_t>(zeros);
        const auto begin = line<Number>(start), to = line<Number>(members);
        nb::gil_scoped_release release;
        gather_members(cells, names, begin, to);
    });
    m.def("curve_codes", [](nb::handle points, nb::handle start, nb::handle members, nb::handle low, nb::handle factor,
                            size_t bits, nb::handle codes) {
        const auto p = grid<const double>(points);
        const Incidences cells{line<const Number>(start), line<const Number>(members)};
        const double *from = line<const double>(low).data, *f = line<const double>(factor).data;
        const auto to = line<Number>(codes);
        nb::gil_scoped_release release;
        curve_codes(p, cells, from, f, bits, to);
    });
}

template <size_t D>
void copy(nb::handle edges, nb::handle signs, nb::handle table, const EdgeColumns& to) {
    const EdgesOf<D> e{rows_of_words<edge_words(D)>(edges)};
    Vertices v;
    v.signs = grid<Word>(signs);
    const Word* t = grid<const Word>(table).data;
    nb::gil_scoped_release release;
    copy_edges<D>(e, v, t, to);
}

void bind_results(nb::module_& m) {
    m.def("copy_vertices", [](nb::tuple vertices, nb::handle scaled, nb::tuple columns) {
        const Vertices v = vertices_of(vertices);
        const VertexColumns to{grid<double>(columns[0]), line<float>(columns[1]), grid<std::int16_t>(columns[2]),
                               line<std::int32_t>(columns[3]), line<Word>(columns[4])};
        const double* s = line<const double>(scaled).data;
        nb::gil_scoped_release release;
        copy_vertices(v, s, to);
    });
    m.def("copy_edges", [](nb::handle edges, nb::handle signs, nb::handle table, nb::tuple columns) {
        const EdgeColumns to{grid<std::int32_t>(columns[0]), grid<std::int16_t>(columns[1]), line<std::int32_t>(columns[2]),
                             line<std::uint8_t>(columns[3]), line<Word>(columns[4])};
        const size_t d = to.zeros.columns + 1;
        return d == 2 ? copy<2>(edges, signs, table, to) : d == 3 ? copy<3>(edges, signs, table, to) : copy<0>(edges, signs, table, to);
    });
    m.def("count_by_lowest_vertex", [](nb::handle upwards, nb::handle edge_ends, nb::handle edge_zeros, nb::handle vertex_zeros) {
        const auto up = line<const std::uint8_t>(upwards);
        const auto ends = grid<const std::int32_t>(edge_ends);
        const auto zeros = grid<const std::int16_t>(edge_zeros), names = grid<const std::int16_t>(vertex_zeros);
        nb::gil_scoped_release release;
        const auto run = names.columns == 2 ? count_by_lowest_vertex<2> : names.columns == 3 ? count_by_lowest_vertex<3>
                                                                                             : count_by_lowest_vertex<0>;
        return run(up, ends, zeros, names);
    });
    m.def("walk_polygons", [](nb::handle start, nb::handle sides, nb::handle members) {
        const auto begin = line<const Number>(start);
        const auto pairs = grid<const Number>(sides);
        const auto to = line<Number>(members);
        nb::gil_scoped_release release;
        return walk_polygons(begin, pairs, to);
    });
}

}  // namespace

NB_MODULE(_core, m) {
    nanobind::set_leak_warnings(false);  // a thread that is still at work when a program ends holds objects: no leak
    m.doc() = "The loops of the edge subdivision.";
    m.def("widen", [](bool on) {  // for tests: whether the wider version of loops runs, if the processor can
        wide = on && wide_processor();
        return wide;
    });
    bind_cuts(m);
    bind_stages(m);
    bind_pruning(m);
    bind_results(m);
}
