// Python's way to the tables of nn_bridge.cells.joining: functions of the module nn_bridge.cells._core.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "components.hpp"
#include "derivatives.hpp"
#include "gradients.hpp"
#include "joining.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>

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

/// The weights of an integer network: of each stage, and last of the output, its units and blocks of sparse weights; all is checked.
std::shared_ptr<WholeWeights> make_weights(nb::list stages, int limbs) {
    auto network = std::make_shared<WholeWeights>();
    if (limbs < 1 || limbs > 8 || limbs == 5 || limbs == 7) throw std::invalid_argument("derivatives of so many limbs were not compiled");
    network->limbs = limbs;
    auto no_fit = [] { return std::invalid_argument("a block of weights does not fit its stage"); };
    for (nb::handle s : stages) {
        const auto stage = nb::cast<std::pair<int, nb::list>>(s);
        const int below = int(network->units.size()), units = stage.first;
        network->blocks.emplace_back();
        for (nb::handle b : stage.second) {
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
    return network;
}

/// The components of cells in arrays; columns of `maps` are what `MapCells` has.
template <class Number>
Components<Number> components(In<Word, 2> patterns, In<Word, 1> last_stage, In<Number, 1> label, Out<Number, 1> parent, Out<Number, 1> before,
                              Out<Number, 2> maps, Out<Number, 1> slots, Out<std::int64_t, 1> taken) {
    const size_t width = patterns.shape(1);
    if (maps.shape(1) != 3 || last_stage.size() != width) throw std::invalid_argument("arrays that do not fit");
    static_assert(sizeof(MapCells<Number>) == 3 * sizeof(Number));
    return {patterns.data(), int(width), last_stage.data(), label.data(), parent.data(), before.data(), reinterpret_cast<MapCells<Number>*>(maps.data()),
            slots.data(), std::int64_t(slots.size()), taken.data()};
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
    m.def(
        "join_neighbours",
        [](In<Word, 2> patterns, In<Word, 1> last_stage, In<Number, 1> label, Out<Number, 1> parent, Out<Number, 1> before, Out<Number, 2> maps,
           Out<Number, 1> slots, Out<std::int64_t, 1> taken, In<Word, 2> neighbours, std::int64_t begin, std::int64_t end) {
            nb::gil_scoped_release release;
            const auto given = std::int64_t(neighbours.shape(0));
            return components<Number>(patterns, last_stage, label, parent, before, maps, slots, taken).add(given ? neighbours.data() : nullptr, end - given, begin, end);
        },
        "patterns"_a, "last_stage"_a, "label"_a.noconvert(), "parent"_a.noconvert(), "before"_a.noconvert(), "maps"_a.noconvert(), "slots"_a.noconvert(), "taken"_a.noconvert(),
        "neighbours"_a, "begin"_a, "end"_a);
    m.def(
        "join_again",
        [](In<Word, 2> patterns, In<Word, 1> last_stage, In<Number, 1> label, Out<Number, 1> parent, Out<Number, 1> before, Out<Number, 2> maps,
           Out<Number, 1> slots, Out<std::int64_t, 1> taken, In<Word, 2> own, In<Word, 2> neighbours, In<Number, 1> chosen) {
            nb::gil_scoped_release release;
            return components<Number>(patterns, last_stage, label, parent, before, maps, slots, taken)
                .join_again(own.data(), neighbours.data(), std::int64_t(own.shape(0)), chosen.data(), std::int64_t(chosen.size()));
        },
        "patterns"_a, "last_stage"_a, "label"_a.noconvert(), "parent"_a.noconvert(), "before"_a.noconvert(), "maps"_a.noconvert(), "slots"_a.noconvert(), "taken"_a.noconvert(),
        "own"_a, "neighbours"_a, "chosen"_a.noconvert());
    m.def(
        "rehash_cells",
        [](In<Word, 2> patterns, In<Number, 1> old, Out<Number, 1> slots) {
            Components<Number> table{};
            table.patterns = patterns.data(), table.width = int(patterns.shape(1)), table.slots = slots.data(), table.slot_count = std::int64_t(slots.size());
            table.take_over(old.data(), std::int64_t(old.size()));
        },
        "patterns"_a, "old"_a.noconvert(), "slots"_a.noconvert());
    m.def(
        "unite",
        [](In<Number, 1> other, Out<Number, 1> parent) {
            nb::gil_scoped_release release;
            unite(other.data(), std::int64_t(other.size()), parent.data());
        },
        "other"_a.noconvert(), "parent"_a.noconvert());
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
        "moving",
        [](In<Word, 2> patterns, const ResidueNetwork& network, Out<Word, 2> result) {
            nb::gil_scoped_release release;
            const int stages = int(network.stages.size());
            moving(patterns.data(), std::int64_t(patterns.shape(0)), network, int(patterns.shape(1)) / std::max(1, stages), result.data());
        },
        "patterns"_a, "network"_a, "result"_a.noconvert());
    nb::class_<WholeWeights>(m, "WholeWeights");
    m.def("whole_weights", &make_weights, "stages"_a, "limbs"_a);
    m.def(
        "alike",
        [](In<Word, 2> one, In<Word, 2> other, const WholeWeights& network, Out<bool, 1> result) {
            nb::gil_scoped_release release;
            const size_t columns = one.shape(1);
            const int words = int(columns) / std::max(1, int(network.units.size()) - 1);
            with_derivatives(network, [&](auto&& derivatives) {
                for (size_t k = 0; k < one.shape(0); ++k) result.data()[k] = derivatives.alike(one.data() + k * columns, other.data() + k * columns, words);
            });
        },
        "one"_a, "other"_a, "network"_a, "result"_a.noconvert());
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
