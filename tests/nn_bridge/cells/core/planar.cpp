// What counting tells from values alone, against exact binary fractions: which quadrants of two units a cell meets, how many
// different zeros units have on an edge, and the cells that lines cut a polygon into.
//
//     planar SEED ROUNDS
//
// prints, for each question, how often it was asked, and the share of answers that needed no exact numbers; it ends with
// code 1 where an answer is wrong.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "counting.hpp"
#include "trial.hpp"

using namespace puiseux;
using namespace puiseux::cells;
using namespace puiseux::cells::trial;

namespace {

using S = Shape<3, 1>;
using Row = std::vector<Dyadic>;

constexpr int SHIFT = 200;  // exact integers are multiples of 2^-200

/// A form, whose coefficients are doubles, the bias last; and the doubles by which it is known.
struct Form {
    std::vector<double> stored;
    Row truth;
    double error = 0;

    void add(double x, double off) {
        error = std::max(error, off + UNIT_ROUNDOFF * (std::abs(x) + off));
        stored.push_back(x + off * uniform());
        truth.push_back(Dyadic::of(x));
    }
};

/// A problem with one stage.
void set_forms(Problem& p, const std::vector<Form>& forms, double off) {
    p.dim = int(forms[0].truth.size()) - 1;
    StageRows stage;
    SparseRows block;
    block.begin.push_back(0);
    auto exact = [](const Dyadic& d) { return SHIFT + d.e >= 0 ? d.m << std::size_t(SHIFT + d.e) : d.m >> std::size_t(-SHIFT - d.e); };
    for (const Form& form : forms) {
        for (int c = 0; c < p.dim; ++c) {
            block.value.push_back(form.stored[size_t(c)]), block.column.push_back(c);
            if (off > 0) block.exact.push_back(exact(form.truth[size_t(c)]));
        }
        block.begin.push_back(std::int64_t(block.value.size()));
        stage.bias.push_back(form.stored.back());
        if (off > 0) stage.exact_bias.push_back(exact(form.truth.back()));
    }
    stage.blocks.push_back(std::move(block));
    p.given.push_back(std::move(stage));
    p.finish();
    for (int j = 0; j < int(forms.size()) && off > 0; ++j) {  // as if they had come from earlier stages
        Stage& s = p.stages[0];
        s.error[size_t(j)] = std::max(s.error[size_t(j)], std::ldexp(forms[size_t(j)].error, s.exponent[size_t(j)]) * UP);
    }
}

template <class Engine>
class ProbeOf : public Engine {
public:
    using Engine::Engine;
    using Engine::quadrants;

    void follow() { this->forms_[0].follow(this->forms_, this->active_, this->clock_); }
    void set_owner(int slot, Facet f) { this->owner_[size_t(slot)] = f; }
    std::int64_t cells_of_edge(Cell edge, const S::Set& units) {
        this->tally_ = 0;
        this->count(edge, 1, 0, units);
        return this->tally_;
    }
    std::int64_t cells_of_flat(Cell polygon, const S::Set& units) {
        if constexpr (requires { this->cells_of_polygon(polygon, 0, units); }) return this->cells_of_polygon(polygon, 0, units);
        else return this->cells_of_polygon(polygon, 0, units.data());
    }
};
using Probe = ProbeOf<Counting<S>>;

/// A problem, a probe, and a cell whose generators are known up to errors.
struct Trial {
    Problem problem;
    Counters counters;
    Watch watch;
    S shape;
    std::vector<Form> forms;
    std::vector<Row> points;
    std::vector<Row> values;  // by generator and unit, exactly
    std::vector<Word> words;
    Cell cell;

    Trial(int dim, std::vector<Form> rows, std::vector<Row> truth, const std::vector<std::vector<double>>& stored, double off)
        : shape(dim, 1, 1, 0), forms(std::move(rows)), points(std::move(truth)), words(points.size() * size_t(shape.stride())),
          cell{words.data(), int(points.size()), shape.stride()} {
        set_forms(problem, forms, off);
        for (size_t t = 0; t < points.size(); ++t) {
            Word* g = cell[int(t)];
            double e = 0;
            for (int c = 0; c <= dim; ++c) {
                shape.x(g)[c == dim ? shape.last() : c] = stored[t][size_t(c)];
                const Dyadic apart = (points[t][size_t(c)] - Dyadic::of(stored[t][size_t(c)])).size();
                if (apart.sign()) e = std::max(e, apart.rounded() * UP);
            }
            shape.error(g) = e;
            Row& own = values.emplace_back();
            for (size_t j = 0; j < forms.size(); ++j) {
                Dyadic v;
                for (size_t c = 0; c <= size_t(dim); ++c) v = v + forms[j].truth[c] * points[t][c];
                own.push_back(v);
                if (v.sign() > 0) shape.positive(g)[0] |= bit(int(j));
                if (v.sign() < 0) shape.negative(g)[0] |= bit(int(j));
            }
        }
    }
};

Dyadic cross(const Dyadic& a, const Dyadic& b, const Dyadic& c, const Dyadic& d) { return a * d - b * c; }

void note(const char* kind, bool told, bool right) {
    require(kind, right);
    tallies[kind].worst += told;
}

/// Coordinates of a generator, the largest in [1/2, 1), and a true point beside them.
void draw_point(int dim, std::vector<double>& stored, Row& truth, double loose) {
    const int lead = below(dim + 1);
    for (int c = 0; c <= dim; ++c) {
        double x = c == dim ? 0.1 + 0.4 * std::abs(uniform()) : uniform() / 2;
        if (c == lead) x = x < 0 ? x / 2 - 0.6 : x / 2 + 0.6;
        stored.push_back(x);
        truth.push_back(Dyadic::of(x) + Dyadic::of(below(3) ? loose * uniform() : 0));
    }
}

/// How far off forms and points are.
double draw_off(int noise) { return below(3) ? std::ldexp(1.0, -noise - below(6)) : 0; }

/// A form that nearly is a multiple of another one, or any.
Form draw_form(int dim, const Form* like, double factor, int noise, double off) {
    Form form;
    for (int c = 0; c <= dim; ++c) form.add(like ? factor * like->truth[size_t(c)].rounded() + std::ldexp(uniform(), -noise) : uniform(), off);
    return form;
}

// ---------------------------------------------------------------------------------------------------- quadrants

void check_quadrants() {
    const int dim = 1 + below(3), noise = 30 + below(24);
    const double off = draw_off(noise), loose = draw_off(noise);
    const Form a = draw_form(dim, nullptr, 0, 0, off);
    const Form b = draw_form(dim, below(6) ? &a : nullptr, below(2) ? -0.7 : 0.9, noise, off);
    std::vector<std::vector<double>> stored;
    std::vector<Row> truth;
    for (int t = 0; t < 2 + below(4); ++t) draw_point(dim, stored.emplace_back(), truth.emplace_back(), loose);
    Trial trial(dim, {a, b}, std::move(truth), stored, off);
    Probe probe(trial.problem, trial.shape, trial.counters, trial.watch);
    probe.follow();
    // a quadrant is met iff a generator lies in it, or a segment between generators beside it passes through it
    int shown = 0, met = 0;
    for (const int sa : {-1, 1})
        for (const int sb : {-1, 1}) {
            const int quadrant = 1 << ((sa > 0) + 2 * (sb > 0));
            const Dyadic of_a = Dyadic::of(Integer(std::int64_t(sa))), of_b = Dyadic::of(Integer(std::int64_t(sb)));
            for (const Row& v : trial.values) {
                if (v[0].sign() == sa && v[1].sign() == sb) shown |= quadrant;
                if (v[1].sign() != sb || v[0].sign() == sa) continue;
                for (const Row& w : trial.values)
                    if (w[0].sign() == sa && w[1].sign() != sb && cross(of_a * w[0], of_b * w[1], of_a * v[0], of_b * v[1]).sign() > 0) met |= quadrant;
            }
        }
    met |= shown;
    const int found = probe.quadrants(trial.cell, 0, 0, 1, shown);
    note("quadrants", found >= 0, found < 0 || found == met);
}

// -------------------------------------------------------------------------------------------------- zeros on an edge

void check_edge() {
    const int dim = 1 + below(3), count = 2 + below(6), noise = 30 + below(24);
    const double off = draw_off(noise), loose = draw_off(noise);
    std::vector<std::vector<double>> stored(2);
    std::vector<Row> truth(2);
    for (size_t t = 0; t < 2; ++t) draw_point(dim, stored[t], truth[t], loose);
    auto value = [](const Form& f, const std::vector<double>& x) { return std::inner_product(x.begin(), x.end(), f.stored.begin(), 0.0); };
    std::vector<Form> forms;
    for (int j = 0; j < count; ++j) {
        const Form* like = j && below(3) ? &forms[size_t(below(j))] : nullptr;
        const bool multiple = below(2) == 1;
        Form form = draw_form(dim, multiple ? like : nullptr, below(2) ? -0.5 : 0.5, below(2) ? noise : 300, off);
        if (like && !multiple) {  // it vanishes nearly where the other one does
            const double a = std::abs(value(*like, stored[0])), b = std::abs(value(*like, stored[1]));
            const double w = b * stored[0].back() + a * stored[1].back(), v = b * value(form, stored[0]) + a * value(form, stored[1]);
            const double bias = form.stored.back() - v / w + std::ldexp(uniform(), -noise);
            form.stored.pop_back(), form.truth.pop_back(), form.add(bias, off);
        }
        forms.push_back(std::move(form));
    }
    Trial trial(dim, std::move(forms), std::move(truth), stored, off);
    Probe probe(trial.problem, trial.shape, trial.counters, trial.watch);
    probe.follow();
    const Row &a = trial.values[0], &b = trial.values[1];
    S::Set all = trial.shape.none();
    std::int64_t expected = 1;
    for (size_t j = 0; j < a.size(); ++j) {
        all.add(int(j));
        if (a[j].sign() * b[j].sign() >= 0) continue;
        bool fresh = true;  // no earlier unit vanishes at the same point
        for (size_t i = 0; i < j; ++i) fresh = fresh && !(a[i].sign() * b[i].sign() < 0 && cross(a[i], b[i], a[j], b[j]).sign() == 0);
        expected += fresh;
    }
    try {
        const std::int64_t found = probe.cells_of_edge(trial.cell, all);
        note("zeros on an edge", true, found == expected);
    } catch (const Contradiction&) {  // exact numbers are asked for, and the ends have no facets
        note("zeros on an edge", false, true);
    }
}

// ---------------------------------------------------------------------------------------------------------- polygons

Row crossing(const Row& a, const Row& b) {
    return {cross(a[1], a[2], b[1], b[2]), cross(a[2], a[0], b[2], b[0]), cross(a[0], a[1], b[0], b[1])};
}

Dyadic dot(const Row& a, const Row& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

bool equal_points(const Row& a, const Row& b) {
    const Row c = crossing(a, b);
    return c[0].sign() == 0 && c[1].sign() == 0 && c[2].sign() == 0;
}

/// Lines through some whole points of a square or a triangle, or nearly so.
void check_polygon() {
    const int count = 2 + below(7), noise = 30 + below(24);
    const double off = draw_off(noise);
    auto whole = [](int x) { return Dyadic::of(Integer(std::int64_t(x))); };
    std::vector<Row> corners;
    if (below(2)) corners = {{whole(-4), whole(-4), whole(1)}, {whole(4), whole(-4), whole(1)}, {whole(4), whole(4), whole(1)}, {whole(-4), whole(4), whole(1)}};
    else corners = {{whole(-4), whole(-4), whole(1)}, {whole(5), whole(-3), whole(1)}, {whole(-1), whole(5), whole(1)}};
    std::vector<Row> walls;
    for (size_t t = 0; t < corners.size(); ++t) walls.push_back(crossing(corners[t], corners[(t + 1) % corners.size()]));
    std::vector<Form> forms;
    for (int j = 0; j < count; ++j) {
        const Row p{whole(below(5) - 2), whole(below(5) - 2), whole(1)}, q{whole(below(9) - 4), whole(below(9) - 4), whole(1)};
        Row line = equal_points(p, q) ? Row{whole(1), whole(0), whole(0)} : crossing(p, q);
        Form form;
        for (const Dyadic& d : line) form.add(d.rounded() / 8 + (below(2) ? std::ldexp(uniform(), -noise) : 0), off);
        forms.push_back(std::move(form));
    }
    std::vector<std::vector<double>> stored;
    for (const Row& corner : corners) {
        auto& own = stored.emplace_back();
        for (const Dyadic& d : corner) own.push_back(d.rounded() / 8 + (below(2) ? 0 : std::ldexp(uniform(), -noise)));
    }
    std::vector<Row> truth = corners;  // the corners times a positive factor
    for (Row& row : truth)
        for (Dyadic& d : row) d = d * Dyadic::of(Integer(1), -3);
    Trial trial(2, std::move(forms), std::move(truth), stored, off);
    for (const Row& wall : walls) {
        Integers& row = trial.problem.walls.emplace_back();
        for (const Dyadic& d : wall) row.push_back(d.m << std::size_t(d.e));
    }
    Probe probe(trial.problem, trial.shape, trial.counters, trial.watch);
    probe.follow();
    const int sides = int(corners.size());
    for (int t = 0; t < sides; ++t) {  // slot 0 is infinity; corner t lies on the walls before and behind it
        probe.set_owner(t + 1, {Facet::WALL, t});
        trial.shape.facets(trial.cell[t])[0] = bit(t + 1) | bit((t + sides - 1) % sides + 1);
    }
    S::Set cut = trial.shape.none();
    std::vector<size_t> lines;  // that cut the polygon and differ
    for (size_t j = 0; j < trial.forms.size(); ++j) {
        bool up = false, down = false;
        for (const Row& v : trial.values) up = up || v[j].sign() > 0, down = down || v[j].sign() < 0;
        if (!up || !down) continue;
        cut.add(int(j));
        if (std::none_of(lines.begin(), lines.end(), [&](size_t i) { return equal_points(trial.forms[i].truth, trial.forms[j].truth); })) lines.push_back(j);
    }
    std::int64_t expected = 1;
    for (size_t k = 0; k < lines.size(); ++k) {
        std::vector<Row> found;
        for (size_t i = 0; i < k; ++i) {
            const Row at = crossing(trial.forms[lines[i]].truth, trial.forms[lines[k]].truth);
            const bool inside = at[2].sign() && std::all_of(walls.begin(), walls.end(), [&](const Row& w) { return dot(w, at).sign() * at[2].sign() > 0; });
            if (inside && std::none_of(found.begin(), found.end(), [&](const Row& r) { return equal_points(r, at); })) found.push_back(at);
        }
        expected += 1 + std::int64_t(found.size());
    }
    const std::int64_t cells = probe.cells_of_flat(trial.cell, cut);
    note("polygons", trial.counters.exact == 0, cells == expected);
}

}  // namespace

int main(int argc, char** argv) {
    numbers.seed(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 1000;
    for (int i = 0; i < rounds; ++i) check_quadrants(), check_edge(), check_polygon();
    for (const auto& [kind, tally] : tallies) std::printf("%s\t%ld\t%g\n", kind.c_str(), tally.checks, tally.worst / double(tally.checks));
}
