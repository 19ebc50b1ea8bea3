// Python's way to the tables of nn_bridge.cells.joining: functions of the module nn_bridge.cells._core.
#include "joining.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace puiseux::cells::joining {

namespace {

template <class T, int D>
using In = nb::ndarray<const T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;
template <class T, int D>
using Out = nb::ndarray<T, nb::ndim<D>, nb::c_contig, nb::device::cpu>;
using Place = std::pair<std::int64_t, std::int64_t>;

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
    m.def(
        "join",
        [](In<Word, 2> faces, In<std::int64_t, 1> leaf, In<Number, 1> label, bool pairs, Out<Word, 1> key, Out<Word, 2> keys, Out<Number, 1> bearer,
           Out<std::int64_t, 1> seen, Out<Number, 1> parent, std::int64_t begin) {
            nb::gil_scoped_release release;
            Table<Number> table(keys.data(), bearer.data(), std::int64_t(bearer.size()), int(key.size()));
            return join(faces.data(), std::int64_t(faces.shape(0)), int(faces.shape(1)), leaf.data(), label.data(), pairs, key.data(), table, seen.data(),
                        parent.data(), begin);
        },
        "faces"_a, "leaf"_a, "label"_a.noconvert(), "pairs"_a, "key"_a.noconvert(), "keys"_a.noconvert(), "bearer"_a.noconvert(), "seen"_a.noconvert(),
        "parent"_a.noconvert(), "begin"_a);
}

}  // namespace

void bind(nb::module_& m) {
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
        "different",
        [](In<Word, 2> rows, In<Word, 2> first, In<std::int64_t, 1> labels, Out<std::int64_t, 1> found) {
            return different(rows.data(), std::int64_t(rows.shape(0)), int(rows.shape(1)), first.data(), labels.data(), found.data());
        },
        "rows"_a, "first"_a, "labels"_a, "found"_a.noconvert());
}

}  // namespace puiseux::cells::joining
