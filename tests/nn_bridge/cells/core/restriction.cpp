// Restricts rows, and places points on a line, as standard input says: for test_restriction.py.
//
//     rows COORDINATES COUNT ERROR SIZE entries ..    rows, of which the last is restricted to: the result and its error
//     line COUNT r t head .. p .. q ..                the places of the points, and the least |a| + |b|
//     points COUNT ERROR a .. b ..                    how many points differ; "open" where integers would decide
#include <cstdio>
#include <iostream>
#include <string>

#include "crossings.hpp"
#include "restriction.hpp"

using namespace puiseux;
using namespace puiseux::cells;

namespace {

double number() {
    std::string text;
    std::cin >> text;
    return std::strtod(text.c_str(), nullptr);
}

std::vector<double> numbers(int count) {
    std::vector<double> v(static_cast<size_t>(count));
    for (double& x : v) x = number();
    return v;
}

void restrict_rows() {
    FormRows rows, out;
    int count = 0;
    std::cin >> rows.coordinates >> count;
    rows.stride = count, rows.error = number(), rows.size = number();
    rows.entries = numbers(rows.coordinates * count);
    out.coordinates = rows.coordinates - 1, out.stride = count - 1;
    out.entries.resize(size_t(out.coordinates * out.stride));
    std::vector<double> largest(size_t(count), 0.0);
    const Pivot pivot(rows, count - 1);
    int before = count - 1;
    dispatch<Restriction>(rows, pivot, before, out, largest.data());
    std::printf("%d %a %a", pivot.place, out.error, out.size);
    for (const double v : out.entries) std::printf(" %a", v);
    std::printf("\n");
}

void place_points() {
    int count = 0;
    std::cin >> count;
    const double r = number(), t = number();
    const std::vector<double> head = numbers(count), p = numbers(count), q = numbers(count);
    std::vector<double> place(static_cast<size_t>(count));
    FormsOnLine forms{head.data(), p.data(), q.data(), r, t, 0, count};
    double* to = place.data();
    const double least = dispatch<Placing>(forms, to);
    std::printf("%a", least);
    for (const double v : place) std::printf(" %a", v);
    std::printf("\n");
}

struct Open {};

void count_points() {
    int count = 0;
    std::cin >> count;
    const double error = number();
    const std::vector<double> a = numbers(count), b = numbers(count);
    Crossings crossings;
    try {
        std::printf("%lld\n", static_cast<long long>(crossings.different({a.data(), a.data(), b.data(), 0, 0, error, count},
                                                                         [](int) -> std::pair<Integer, Integer> { throw Open(); })));
    } catch (const Open&) {
        std::printf("open\n");
    }
}

}  // namespace

int main(int, char** arguments) {
    if (arguments[1]) wide = false;  // the version for every processor
    std::string question;
    while (std::cin >> question) {
        if (question == "rows") restrict_rows();
        else if (question == "line") place_points();
        else count_points();
    }
}
