// Forms restricted to where one of them vanishes: one step of elimination, with a bound for what it loses.
//
// Lemma.  Let the entries of rows be at most G in size and off by at most E, and P > 2 E the largest coefficient of the
// pivot row.  The quotients r = c / P then are off by at most D = 2 E / (P - E) + UNIT_ROUNDOFF, and so a - p r by at most
//     E (2 + D) + G D + 4 UNIT_ROUNDOFF G;
// and the size of the new rows can be seen.  Proof: c/P - c'/P' = ((c - c') - (c/P) (P - P')) / P', where |c/P| <= 1; then the errors
// of a, of p times |r'| <= 1 + D, of r times |p| <= G, and roundings of numbers of size G and 2 G.
#pragma once
#include <cmath>
#include <vector>

#include "bounds.hpp"
#include "targets.hpp"

namespace puiseux::cells {

/// Rows of coefficients, coordinate by coordinate, and a bound for the error of each entry.
struct FormRows {
    int coordinates = 0, stride = 0;
    double error = 0, size = 1;         // no entry exceeds the size
    std::vector<double> entries;
    double* at(int c) { return &entries[size_t(c) * size_t(stride)]; }
    const double* at(int c) const { return &entries[size_t(c) * size_t(stride)]; }
};

/// What elimination by a row's largest coefficient needs: its place, the quotients of the others, the error of the result.
struct Pivot {
    int place;
    double quotients[64];
    double error;

    Pivot(const FormRows& rows, int row) : place(0) {
        for (int c = 1; c < rows.coordinates; ++c)
            if (std::abs(rows.at(c)[row]) > std::abs(rows.at(place)[row])) place = c;
        const double largest = rows.at(place)[row], e = rows.error, room = std::abs(largest) - e;
        if (!(room > e)) {
            error = UNKNOWN;
            for (int c = 0; c < rows.coordinates; ++c) quotients[c] = 0;
            return;
        }
        for (int c = 0; c < rows.coordinates; ++c) quotients[c] = rows.at(c)[row] / largest;
        const double off = 2 * e / room + UNIT_ROUNDOFF;
        error = (e * (2 + off) + rows.size * off + 4 * UNIT_ROUNDOFF * rows.size) * UP + UNDERFLOW_SLACK;
    }
};

/// The first rows restricted to where a row vanishes; `largest` gets the largest entry of each.
struct Restriction {
    PUISEUX_INLINE static void run(const FormRows& rows, const Pivot& pivot, int count, FormRows& out, double* largest) {
        const double* head = rows.at(pivot.place);
        int to = 0;
        for (int c = 0; c < rows.coordinates; ++c) {
            if (c == pivot.place) continue;
            const double *from = rows.at(c), r = pivot.quotients[c];
            double* result = out.at(to++);
            for (int j = 0; j < count; ++j) {
                const double v = from[j] - r * head[j], size = std::abs(v), before = to == 1 ? 0.0 : largest[j];
                result[j] = v;
                largest[j] = size > before ? size : before;
            }
        }
        double size = 0;
        for (int j = 0; j < count; ++j) size = largest[j] > size ? largest[j] : size;
        out.error = pivot.error, out.size = size;
    }
};

}  // namespace puiseux::cells
