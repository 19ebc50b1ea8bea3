// Solves linear programs, as standard input says, and tells what is proven of them: for test_basis_proof.py.
//
//     program D COUNT rows .. top ..      "proven" and the names of the basis, or "open"
//     rows D COUNT rows .. point ..       how many rows may not be strict at the point
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "basis_proof.hpp"
#include "dual_simplex.hpp"

using namespace puiseux;

namespace {

std::vector<double> numbers(std::size_t count) {
    std::vector<double> v(count);
    for (double& x : v) {
        std::string text;
        std::cin >> text;
        x = std::strtod(text.c_str(), nullptr);
    }
    return v;
}

template <int D>
void solve(int d, std::int64_t count) {
    const std::vector<double> rows = numbers(std::size_t(count) * std::size_t(d + 1)), top = numbers(std::size_t(d) + 1);
    const Program<D> p{d, rows.data(), count, 0, top.data(), true};
    Workspace room(d);
    std::vector<std::int64_t> basis(std::size_t(d) + 1);
    std::vector<double> point(static_cast<std::size_t>(d));
    const Outcome found = DualSimplex<D>(p, basis.data(), point.data(), room.matrix(), room).run();
    const bool proven = found == Outcome::optimal && BasisProof<D>(p, basis.data(), point.data(), room.matrix(), room).holds();
    std::printf(proven ? "proven" : "open");
    for (int k = 0; proven && k < d; ++k) std::printf(" %lld", static_cast<long long>(basis[std::size_t(k)]));
    std::printf("\n");
}

void doubtful(int d, std::int64_t count) {
    const std::vector<double> rows = numbers(std::size_t(count) * std::size_t(d + 1)), point = numbers(std::size_t(d));
    std::vector<std::int64_t> found(static_cast<std::size_t>(count));
    const Program<0> p{d, rows.data(), count, 0, nullptr, true};
    std::printf("%lld\n", static_cast<long long>(doubtful_rows(p, point.data(), false, found.data())));
}

}  // namespace

int main() {
    std::string question;
    int d = 0;
    std::int64_t count = 0;
    while (std::cin >> question >> d >> count) {
        if (question == "rows") doubtful(d, count);
        else if (d == 2) solve<2>(d, count);
        else solve<0>(d, count);
    }
}
