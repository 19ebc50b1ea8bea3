// Tells what the loops of pruning prove of terms that come on standard input: for test_hull_bounds.py.
//
//     winner DIM COUNT exponents .. coefficients .. point ..     the largest term, and whether it is alone
//     under DIM exponents .. coefficients .. a .. c              whether the last term is under the DIM + 1 first
#include <cstdio>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "enclosure.hpp"

using namespace puiseux::tropical;

namespace {

std::vector<double> numbers(int count) {
    std::vector<double> v(static_cast<std::size_t>(count));
    for (double& x : v) {
        std::string text;
        std::cin >> text;
        x = std::strtod(text.c_str(), nullptr);
    }
    return v;
}

}  // namespace

int main() {
    std::string question;
    int dim = 0;
    while (std::cin >> question >> dim) {
        int count = dim + 1;
        if (question == "winner") std::cin >> count;
        const std::vector<double> exponents = numbers(count * dim), coefficients = numbers(count), last = numbers(dim);
        const Terms terms(count, dim, exponents.data(), coefficients.data());
        if (question == "winner") {
            std::vector<double> values(static_cast<std::size_t>(count));
            const Winner found = winner_at(terms, last.data(), values.data());
            std::printf("%lld %d\n", static_cast<long long>(found.term), int(found.alone));
        } else {
            std::vector<std::int64_t> basis(static_cast<std::size_t>(count));
            std::iota(basis.begin(), basis.end(), 0);
            std::printf("%d\n", int(Enclosure(terms).redundant(last.data(), numbers(1)[0], basis.data())));
        }
    }
}
