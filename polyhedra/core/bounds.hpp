// Rounding: what each operation on doubles may lose, and the lemma that turns a computed value into a certain sign.
//
// All compiled code is built with -ffp-contract=off and without -ffast-math, so every operation rounds once, to nearest:
// a result is off by at most u = 2^-53 of itself, or by 2^-1075 where it is subnormal.  A sum of k products computed in
// any order is off by at most (k + 1) u of the sum of the sizes of its terms, plus k underflows, as long as
// (k + 1) u < 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1).
//
// Lemma.  Let f be the coefficients of a form and x the coordinates of a point, stored with errors: the true coefficients
// differ by at most d each, and the true point is a positive multiple of a vector whose coordinates differ from x by at
// most e each.  Let all |x_c| <= 1, size >= sum |f_c|, and 0 <= e <= LOOSE.  Then the true value, divided by that
// multiple, differs from the computed sum of f_c x_c over c = 0 .. n by less than
//
//     size (e + products(n + 1)) + slack,      slack = (n + 1) d (1 + LOOSE) UP + UNDERFLOW_SLACK,
//
// where products(k) = (k + 3) UNIT_ROUNDOFF.  Proof: |f x - f' x'| <= |f| |x - x'| + |f - f'| |x'|, the first at most
// size e, the second (n + 1) d (1 + e), and the rest is the sum of n + 1 products.  The
// bound itself is computed from numbers that are not negative in fewer than 8 roundings; UP makes up for these, and the
// distance between UNIT_ROUNDOFF and u for those of the last two operations.
//
// Overflow.  Where size exceeds LARGEST, or is not a number, slack is infinity: no value exceeds the bound, and the sign
// is "unsure".  Below LARGEST no partial sum overflows.  All comparisons are written so that a bound that is not a number
// proves nothing.
//
// Lemma (a point between two others).  Let a form have the values va > 0 at x and -vb < 0 at y, computed with errors at most
// ea and eb, and let x and y have errors e_x and e_y as above.  Its zero on the segment is z = s x + t y with s = vb / (va + vb)
// and t = va / (va + vb), up to a positive factor.  Let |x_c - y_c| <= apart, total = va + vb and doubt = ea + eb, where
// total > 2 doubt (else s = t = 1/2 with shift = 1 are no worse than any others).  Then z is off by at most blend_error(..).
// Proof: with va and vb off by ea and eb, t moves by at most (s ea + t eb) / (total - doubt), which is at most weight_shift,
// and s by the opposite; so z moves by at most shift times |x - y| + e_x + e_y.  Errors of x and y count s and t times.
// Roundings that s and t have in common are a positive factor; the others are at most UNIT_ROUNDOFF in shift, and the
// products and the sum are three roundings of numbers at most 1.
#pragma once
#include <limits>

namespace puiseux {

constexpr double UNIT_ROUNDOFF = 1.2e-16;   // more than 2^-53 = 1.1102e-16, by 8 per cent
constexpr double UP = 1 + 0x1p-20;          // makes up for the rounding of bounds
constexpr double LOOSE = 0x1p-10;           // the largest error of a point for which the lemma is used
constexpr double UNDERFLOW_SLACK = 1e-300;  // more than a million underflows
constexpr double SMALLEST = 1e-140;         // stored sizes are 0 or at least this: a product of two does not underflow
constexpr double LARGEST = 1e290;           // and at most this: a sum of products does not overflow
constexpr double PROGRAM_LARGEST = 1e30;    // entries of the inverses and points with which a linear program is proven
constexpr double PROGRAM_SLACK = 1e-250;    // more than underflows times the square of that
constexpr double WHOLE = 0x1p53;            // sums of whole numbers below it are exact
constexpr double UNKNOWN = std::numeric_limits<double>::infinity();

/// The relative error of a sum of `count` products, in units of the sum of the sizes of its terms.
constexpr double products(int count) { return (count + 3) * UNIT_ROUNDOFF; }

/// A bound on the error of the coefficients of a sum of `terms` forms times weights, each form known up to its error:
/// `sizes` is the sum of |weight| size, `errors` that of |weight| error.
constexpr double sum_error(double sizes, double errors, int terms) {
    return (errors + products(terms + 2) * sizes) * UP + UNDERFLOW_SLACK;
}

/// By how much the weights of the zero between two points may be off; weights and values as in the lemma.
constexpr double weight_shift(double of_x, double ea, double of_y, double eb, double inverse_total) {
    return (of_x * ea + of_y * eb) * inverse_total * (1 + 2 * (ea + eb) * inverse_total) * UP + UNIT_ROUNDOFF;
}

/// The error of the zero between two points with the given errors.
constexpr double blend_error(double of_x, double error_x, double of_y, double error_y, double shift, double apart) {
    return (of_x * error_x + of_y * error_y + shift * (apart + error_x + error_y)) * UP + 4 * UNIT_ROUNDOFF;
}

}  // namespace puiseux
