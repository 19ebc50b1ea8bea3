// Python's way to the cell engine: nn_bridge.cells._core.
//
//     Problem(dim, lines, whole, stages, walls, slots, generators, start_rows)
//         stages: (bias, exact_bias, [(source, begin, column, value, exact)]), rows sparse; exact lists are empty where doubles
//         are the exact values, else they hold the same times one positive factor a stage, as integers
//     WholeNumbers, WholeWeights, ..: python_numbers.cpp; Components, ..: joining.cpp
//     Explorer(problem, emit, counting, residues)
//         start(root, roots, path)    a start cell and a way down from it, or some start cells; steps of the path are (stage,
//             unit, side, whether the other side is to be visited afterwards)
//         work(seconds, last_second, cells, stop, share, ask) -> done    without the GIL; KeyboardInterrupt (asked for in the
//             main thread) and a Stop that is set end it inside a step; a second one, `share`, soon and softly, between two cells
//         take() -> arrays            the leaves found since
//         leave_out(misses)           before the run: lists of (unit of the last stage, sign), see misses.hpp
//         position() -> (root, roots, steps)    what is left: steps are (stage, unit, side, whether the other side is left)
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "checks.hpp"
#include "explorer.hpp"
#include "growing.hpp"
#include "python_integers.hpp"
#include "repeats.hpp"

namespace nb = nanobind;
using namespace puiseux;
using namespace puiseux::cells;

namespace puiseux::cells::joining {
void bind_python_numbers(nb::module_& m);  // python_numbers.cpp
void bind(nb::module_& m);                 // joining.cpp
}

namespace {

template <class T>
using Array = nb::ndarray<const T, nb::numpy, nb::c_contig>;

template <class T>
std::vector<T> vector_of(nb::handle h) {
    const auto a = nb::cast<Array<T>>(h);
    return {a.data(), a.data() + a.size()};
}

std::shared_ptr<Problem> make_problem(int dim, int lines, bool whole, nb::list stages, nb::list walls, nb::list slots, nb::list generators,
                                      std::vector<int> start_rows) {
    auto p = std::make_shared<Problem>();
    p->dim = dim, p->lines = lines, p->whole = whole, p->start_rows = std::move(start_rows);
    for (nb::handle s : stages) {
        const auto t = nb::cast<nb::tuple>(s);
        StageRows& rows = p->given.emplace_back();
        rows.bias = vector_of<double>(t[0]), rows.exact_bias = integers_of(t[1]);
        for (nb::handle b : nb::cast<nb::list>(t[2])) {
            const auto block = nb::cast<nb::tuple>(b);
            rows.blocks.push_back({nb::cast<int>(block[0]), vector_of<std::int64_t>(block[1]), vector_of<std::int32_t>(block[2]),
                                   vector_of<double>(block[3]), integers_of(block[4])});
        }
    }
    for (nb::handle w : walls) p->walls.push_back(integers_of(w));
    for (nb::handle s : slots) {
        const auto [kind, number] = nb::cast<std::tuple<int, int>>(s);
        p->slots.push_back({kind, number});
    }
    for (nb::handle g : generators) {
        const auto t = nb::cast<nb::tuple>(g);
        p->generators.push_back({integers_of(t[0]), nb::cast<std::vector<int>>(t[1])});
    }
    p->finish();
    return p;
}

/// Asks runs in other threads to end.
struct Stop {
    std::atomic<bool> flag{false};
};

bool interrupted(void*) {
    nb::gil_scoped_acquire gil;
    return PyErr_CheckSignals() != 0;
}

}  // namespace

NB_MODULE(_core, m) {
    nanobind::set_leak_warnings(false);  // a thread that is still at work when a program ends holds objects: no leak
    m.doc() = "The cell engine: all activation cells of a network, exactly.";
    joining::bind_python_numbers(m);
    joining::bind(m);
    nb::exception<NoRoom>(m, "NoRoom", PyExc_MemoryError);
    nb::exception<BadPath>(m, "BadPath", PyExc_ValueError);
    nb::exception<Contradiction>(m, "Contradiction", PyExc_RuntimeError);

    nb::class_<Problem>(m, "Problem")
        .def_prop_ro("words", &Problem::words)
        .def_ro("dim", &Problem::dim);
    m.def("problem", &make_problem);
    nb::class_<Checks>(m, "Checks")  // for tests: what single operations say about their errors
        .def("__init__", [](Checks* self, std::shared_ptr<Problem> p) { new (self) Checks(std::move(p)); })
        .def("follow", &Checks::follow)
        .def("form", &Checks::form)
        .def("bounds", &Checks::bounds)
        .def("join", &Checks::join_points)
        .def_static("polish", &Checks::polish_point);
    nb::class_<Stop>(m, "Stop")
        .def(nb::init<>())
        .def("set", [](Stop& s) { s.flag = true; })
        .def("clear", [](Stop& s) { s.flag = false; })
        .def("is_set", [](const Stop& s) { return s.flag.load(); });
    nb::class_<ResidueNetwork>(m, "Residues");
    m.def("widen", [](bool on) {  // for tests: whether the wider version of loops runs, if the processor can
        wide = on && wide_processor();
        return wide;
    });

    m.def("give_back_memory", [] {
        joining::SpareBlocks::free_all();
        Spares<std::vector<Word>>::free_all(), Spares<std::vector<std::int64_t>>::free_all();
        Spares<std::vector<std::uint8_t>>::free_all(), Spares<std::vector<double>>::free_all();
#if defined(__GLIBC__)
        malloc_trim(0);
#endif
    });

    m.def("mark_repeats", [](Array<std::uint64_t> residues, nb::ndarray<std::uint8_t, nb::numpy, nb::c_contig> mask) {
        if (residues.size() != mask.size() || residues.size() >> 31) throw nb::value_error("too many residues, or a mask of another length");
        nb::gil_scoped_release release;
        return mark_repeats(residues.data(), residues.size(), mask.data());
    });

    nb::class_<Explorer>(m, "Explorer")
        .def("__init__",
             [](Explorer* self, std::shared_ptr<Problem> problem, int emit, bool counting, std::shared_ptr<ResidueNetwork> residues) {
                 new (self) Explorer(std::move(problem), Emit(emit), counting, std::move(residues));
             },
             nb::arg("problem"), nb::arg("emit"), nb::arg("counting"), nb::arg("residues").none())
        .def("start",
             [](Explorer& e, nb::bytes root, std::int64_t roots, Array<std::int32_t> path) {
                 Position p;
                 p.root.assign((root.size() + 8) / 8, 0);
                 std::memcpy(p.root.data(), root.c_str(), root.size());
                 p.roots = roots;
                 for (size_t i = 0; i + 3 < path.size(); i += 4)
                     p.path.push_back({path.data()[i], path.data()[i + 1], path.data()[i + 2] != 0, path.data()[i + 3] != 0});
                 e.start(std::move(p));
             })
        .def("work",
             [](Explorer& e, double seconds, double last_second, std::int64_t cells, Stop* stop, Stop* share, bool ask) {
                 e.walk.watch.soft_seconds = seconds, e.walk.watch.hard_time = seconds_now() + last_second;
                 e.walk.watch.ask = ask ? interrupted : nullptr, e.walk.watch.stop = stop ? &stop->flag : nullptr;
                 e.walk.watch.share = share ? &share->flag : nullptr;
                 e.walk.cell_limit = cells;
                 bool done;
                 {
                     nb::gil_scoped_release release;
                     done = e.work();
                 }
                 if (e.walk.watch.asked_to_end()) throw nb::python_error();
                 return done;
             },
             nb::arg("seconds"), nb::arg("last_second"), nb::arg("cells"), nb::arg("stop").none(), nb::arg("share").none(), nb::arg("ask"))
        .def("take",
             [](Explorer& e) {
                 Batch& b = e.walk.batch;
                 size_t words = 0;
                 for (const Stage& s : e.walk.problem.stages) words = std::max(words, size_t(words_for(s.units)));
                 const size_t columns = words * e.walk.problem.stages.size(), zeros = std::max<size_t>(1, size_t(e.zero_words()));
                 const size_t coordinates = size_t(e.walk.problem.dim) + 1;
                 nb::tuple out = nb::make_tuple(array_of(std::move(b.patterns), columns), array_of(std::move(b.prints)), array_of(std::move(b.begins)), array_of(std::move(b.generator_leaf)),
                                                array_of(std::move(b.generator_ray)), array_of(std::move(b.coordinates), coordinates), array_of(std::move(b.generator_zeros), zeros),
                                                array_of(std::move(b.facet_leaf)), array_of(std::move(b.facet_zeros), zeros), array_of(std::move(b.errors)),
                                                array_of(std::move(b.numbers)), array_of(std::move(b.neighbours), columns));
                 b.clear();
                 return out;
             })
        .def("position",
             [](const Explorer& e) {
                 const Position& p = e.walk.position;
                 nb::list steps;
                 for (const Step& s : p.path) steps.append(nb::make_tuple(s.stage, s.unit, int(s.side), s.sibling));
                 return nb::make_tuple(nb::bytes(reinterpret_cast<const char*>(p.root.data()), 8 * p.root.size()), p.roots, steps);
             })
        .def("mark",
             [](Explorer& e, Array<std::uint8_t> select, bool skip) {
                 e.walk.select.assign(select.data(), select.data() + select.size());
                 e.walk.skip = skip, e.walk.leaf = 0;
             })
        .def("go_to",
             [](Explorer& e, nb::ndarray<const Word, nb::ndim<2>, nb::c_contig, nb::device::cpu> patterns) {
                 int words = 0;
                 for (const Stage& s : e.walk.problem.stages) words = std::max(words, words_for(s.units));
                 const int stages = int(e.walk.problem.stages.size());
                 if (patterns.shape(1) != size_t(words) * size_t(stages)) throw nb::value_error("patterns of another network");
                 e.walk.goals.set(patterns.data(), patterns.shape(0), words, stages);
             })
        .def("leave_unread",  // units of the last stage; start cells may be split by them where it is the first, or there are lines
             [](Explorer& e, const std::vector<int>& units) {
                 const bool none = units.empty() || e.walk.problem.lines > 0 || e.walk.problem.stages.size() == 1;
                 e.walk.unread.assign(none ? 0 : size_t(words_for(e.walk.problem.stages.back().units)), 0);
                 for (const int j : units)
                     if (size_t(j) < 64 * e.walk.unread.size()) e.walk.unread[size_t(j >> 6)] |= bit(j & 63);
             })
        .def("cover",  // units that others cover: each stage, unit, and stage and number of one that it covers
             [](Explorer& e, const std::vector<std::array<int, 4>>& covers) {
                 std::vector<Cover> found;
                 for (const auto& [stage, unit, of_stage, of_unit] : covers) found.push_back({stage, unit, of_stage, of_unit});
                 e.walk.cover(std::move(found));
             })
        .def("leave_out",
             [](Explorer& e, const std::vector<std::vector<std::tuple<int, bool>>>& misses) {
                 e.walk.misses.clear();
                 for (const auto& given : misses) {
                     Miss& miss = e.walk.misses.emplace_back();
                     for (const auto& [unit, positive] : given) {
                         if (unit < 0 || unit >= e.walk.problem.stages.back().units) throw nb::index_error("there is no such unit");
                         miss.push_back({unit, positive});
                     }
                 }
             })
        .def("try_leaves",
             [](Explorer& e, std::int64_t first, std::int64_t latest, std::int64_t share) { e.walk.trial.begin(first, latest, share); })
        .def("tried",
             [](Explorer& e) {
                 e.walk.trial.end();
                 return int(e.walk.trial.verdict());
             })
        .def_prop_rw("emit", [](const Explorer& e) { return int(e.walk.emit); }, [](Explorer& e, int emit) { e.walk.emit = Emit(emit); })
        .def_prop_rw("room", [](const Explorer& e) { return e.walk.room; }, [](Explorer& e, std::uint64_t room) { e.walk.room = room; })
        .def_prop_rw("looking", [](const Explorer& e) { return e.walk.looking; }, [](Explorer& e, bool on) { e.walk.looking = on; })
        .def_prop_rw("batch_leaves", [](const Explorer& e) { return e.walk.batch_leaves; }, [](Explorer& e, std::int64_t n) { e.walk.batch_leaves = n; })
        .def_prop_ro("cells", [](const Explorer& e) { return e.walk.counters.cells; })
        .def_prop_ro("leaves", [](const Explorer& e) { return e.walk.leaf; })
        .def_prop_ro("partial", [](const Explorer& e) { return e.walk.partial; })
        .def_prop_ro("share", [](const Explorer& e) { return e.walk.share; })
        .def_prop_ro("most_generators", [](const Explorer& e) { return e.walk.counters.most_generators; })
        .def_prop_ro("zero_words", &Explorer::zero_words)
        .def_prop_ro("counters", [](const Explorer& e) {
            const Counters& c = e.walk.counters;
            nb::dict d;
            d["cells"] = c.cells, d["splits"] = c.splits, d["generators"] = c.generators, d["evaluations"] = c.evaluations;
            d["polished"] = c.polished, d["exact"] = c.exact, d["planar"] = c.planar, d["witnessed"] = c.witnessed, d["polygons"] = c.polygons;
            d["most_generators"] = c.most_generators, d["left_out"] = e.walk.left_out;
            return d;
        });
}
