// Python's way to the integer form of a network, and to what is told by it of patterns: functions of the module nn_bridge.cells._core.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "covered_units.hpp"
#include "derivatives.hpp"
#include "gradients.hpp"
#include "joining.hpp"
#include "python_integers.hpp"
#include "whole_numbers.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace puiseux::cells::joining {

namespace {

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

}  // namespace

void bind_python_numbers(nb::module_& m) {
    nb::class_<WholeWeights>(m, "WholeWeights")
        .def_ro("limbs", &WholeWeights::limbs)
        .def_prop_ro("size", [](const WholeWeights& w) { return std::int64_t(w.units.back()) * w.inputs * w.limbs; })
        .def("__eq__", [](const WholeWeights& w, const WholeWeights& other) { return w == other; });
    bind_numbers(m);
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
