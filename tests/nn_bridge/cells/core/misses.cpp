// The bounds of later stages on a whole cell, by which cells are left out, against exact binary fractions.
//
//     misses SEED ROUNDS
//
// prints, for each kind of bound, the number of checks and the largest error in units of the bound; it ends with code 1
// where an error exceeds its bound, or a cell is left out at which the set is met.
#include "misses.hpp"
#include "trial.hpp"

using namespace puiseux;
using namespace puiseux::cells;
using namespace puiseux::cells::trial;

namespace {

using S = Shape<3, 1>;
using Point = std::vector<Dyadic>;

/// The pre-activations of all stages at a homogeneous vector; before a stage, units are as linear as the pattern says.
std::vector<Point> values_at(const Exact& exact, const Point& p, int stage, const std::vector<S::Set>& active) {
    std::vector<Point> found;
    for (size_t s = 0; s < exact.bias.size(); ++s) {
        Point& own = found.emplace_back();
        for (size_t j = 0; j < exact.bias[s].size(); ++j) {
            Dyadic z = exact.bias[s][j] * p.back();
            for (size_t source = 0; source <= s; ++source) {
                if (exact.row[s][source].empty()) continue;
                const auto& row = exact.row[s][source][j];
                for (size_t i = 0; i < row.size(); ++i) {
                    if (source == 0) {
                        z = z + row[i] * p[i];
                        continue;
                    }
                    const Dyadic& y = found[source - 1][i];
                    const bool on = int(source) - 1 < stage ? active[source - 1].has(int(i)) : y.sign() > 0;
                    if (on) z = z + row[i] * y;
                }
            }
            own.push_back(z);
        }
    }
    return found;
}

void check_cell() {
    const int dim = 1 + below(3), kind = below(4), stages = 2 + below(3), stage = below(stages - 1), last = stages - 1;
    std::vector<int> sizes;
    for (int s = 0; s < stages; ++s) sizes.push_back(1 + below(6));
    Problem p;
    const Exact exact = random_problem(p, dim, sizes, below(2) == 1, kind);
    for (int s = 1; s < stages; ++s)
        for (const double e : p.stages[size_t(s)].error)
            if (!(e < UNKNOWN)) return;
    std::vector<std::vector<int>> exponents;
    for (int s = 0; s < stages; ++s) {
        std::vector<int> own;
        for (int j = 0; j < sizes[size_t(s)]; ++j) own.push_back(exponent_of(p, exponents, s, j));
        exponents.push_back(std::move(own));
    }
    const S shape(dim, 1, 1, 0);
    std::vector<Forms<S>> forms;
    std::vector<S::Set> active(size_t(stages), shape.none());
    std::uint64_t clock = 1;
    for (int s = 0; s <= stage; ++s) {
        forms.emplace_back(p, shape, s).follow(forms, active, clock);
        for (int i = 0; s < stage && i < sizes[size_t(s)]; ++i)
            if (below(2)) active[size_t(s)].add(i);
    }
    for (int s = stage + 1; s < stages; ++s) forms.emplace_back(p, shape, s);
    // generators, known up to errors, in one half of space or about the origin
    const int count = 1 + below(dim + 3), narrow = below(3) ? 0 : 8 + below(30);
    std::vector<Word> rows(size_t(count) * size_t(shape.stride()));
    const Cell cell{rows.data(), count, shape.stride()};
    std::vector<Point> truth;
    std::vector<std::vector<Point>> at;
    S::Set positive = shape.none(), negative = shape.none();
    std::vector<double> centre;
    for (int c = 0; c <= dim; ++c) centre.push_back(uniform());
    for (int t = 0; t < count; ++t) {
        Word* g = cell[t];
        const bool ray = below(5) == 0;
        Point& point = truth.emplace_back();
        double e = 0;
        const double loose = below(2) ? 0 : std::ldexp(uniform(), -11 - below(40));
        const int lead = ray ? below(dim) : below(dim + 1);
        for (int c = 0; c <= dim; ++c) {
            const bool w = c == dim;
            double x = narrow ? centre[size_t(c)] / 2 + std::ldexp(uniform(), -narrow) : uniform() / 2;
            if (w) x = ray ? 0 : 0.1 + std::abs(x) / 2;
            if (c == lead) x = x < 0 ? x / 2 - 0.6 : x / 2 + 0.6;
            const double off = w && ray ? 0 : loose * (below(2) ? 1 : uniform());
            shape.x(g)[w ? shape.last() : c] = x;
            point.push_back(Dyadic::of(x) + Dyadic::of(off));
            e = std::max(e, std::abs(off));
        }
        shape.error(g) = e;
        if (ray) shape.facets(g)[0] |= 1;
        at.push_back(values_at(exact, point, stage, active));
        for (int j = 0; j < sizes[size_t(stage)]; ++j) {
            const int sign = at.back()[size_t(stage)][size_t(j)].sign();
            if (sign > 0) shape.positive(g)[0] |= bit(j);
            if (sign < 0) shape.negative(g)[0] |= bit(j);
        }
        positive |= shape.positives(g), negative |= shape.negatives(g);
    }
    Misses<S> misses(p, shape);
    std::vector<Miss> all;
    for (int j = 0; j < sizes[size_t(last)]; ++j)
        for (const bool sign : {false, true}) all.push_back({{j, sign}});
    const bool gone = misses.provably(all, cell, stage, positive, positive & negative, forms, active);
    const char* kind_of_bound = last == stage + 1 ? "the next stage" : "later stages";
    std::vector<int> signs(size_t(sizes[size_t(last)]), 2);  // of each unit: the one it has at all points, if there is one
    for (int round = 0; round < count + 6; ++round) {
        // a point: a generator, or a combination
        std::vector<int> share(static_cast<size_t>(count), 0);
        if (round < count) share[size_t(round)] = 1;
        else for (int& k : share) k = below(3) ? below(8) : 0;
        Point point(size_t(dim) + 1);
        for (int t = 0; t < count; ++t)
            for (int c = 0; c <= dim; ++c)
                point[size_t(c)] = point[size_t(c)] + Dyadic::of(Integer(std::int64_t(share[size_t(t)]))) * truth[size_t(t)][size_t(c)];
        const std::vector<Point> here = values_at(exact, point, stage, active);
        for (int j = 0; j < sizes[size_t(last)]; ++j) {
            Dyadic middle, radius;
            bool known = true;
            for (int t = 0; t < count; ++t) {
                const auto [m, r] = misses.bounds(t, j);
                known = known && std::isfinite(m) && r < UNKNOWN;
                if (!known) break;
                middle = middle + Dyadic::of(Integer(std::int64_t(share[size_t(t)]))) * Dyadic::of(m);
                radius = radius + Dyadic::of(Integer(std::int64_t(share[size_t(t)]))) * Dyadic::of(r);
            }
            const Dyadic z = here[size_t(last)][size_t(j)] * Dyadic::of(Integer(1), exponents[size_t(last)][size_t(j)]);
            if (known) {
                const Dyadic off = (z - middle).size();
                require(kind_of_bound, off <= radius);
                Tally& t = tallies[kind_of_bound];
                if (radius.sign()) t.worst = std::max(t.worst, std::exp2(std::log2(off.rounded()) - std::log2(radius.rounded())));
            }
            if (point.back().sign()) {
                int& own = signs[size_t(j)];
                own = own == 2 || own == z.sign() ? z.sign() : 0;
            }
        }
    }
    if (gone) require("cells left out", std::any_of(signs.begin(), signs.end(), [](int sign) { return sign != 0; }));
}

}  // namespace

int main(int argc, char** argv) {
    numbers.seed(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 1000;
    for (int i = 0; i < rounds; ++i) check_cell();
    for (const auto& [kind, tally] : tallies) std::printf("%s\t%ld\t%g\n", kind.c_str(), tally.checks, tally.worst);
}
