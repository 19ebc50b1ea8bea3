// Small matrices of whole numbers, exactly: rank, sign of the determinant, the vector that all rows annihilate.
//
// Fraction-free elimination: every intermediate entry is a minor of the matrix, so each division is exact and no entry
// grows beyond the bound of Hadamard.  Source: Bareiss, "Sylvester's identity and multistep integer-preserving Gaussian
// elimination", 1968.
#pragma once
#include <algorithm>
#include <cassert>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "integers.hpp"

namespace puiseux {

using Integers = std::vector<Integer>;

/// Rows of equal length, one after another.
struct IntegerMatrix {
    std::size_t rows = 0, columns = 0;
    Integers entries;

    IntegerMatrix(std::size_t height, std::size_t width) : rows(height), columns(width), entries(height * width) {}
    Integer& at(std::size_t row, std::size_t column) { return entries[row * columns + column]; }
    const Integer& at(std::size_t row, std::size_t column) const { return entries[row * columns + column]; }
    std::span<Integer> row(std::size_t i) { return {entries.data() + i * columns, columns}; }
};

inline Integer dot(std::span<const Integer> a, std::span<const Integer> b) {
    Integer sum;
    for (std::size_t i = 0; i < a.size(); ++i) sum.add_product(a[i], b[i]);
    return sum;
}

/// The exact sign of the dot product: -1, 0 or 1.
inline int sign_of_dot(std::span<const Integer> a, std::span<const Integer> b) { return dot(a, b).sign(); }

/// Divide by the largest power of two that divides all entries: cheap, and it shortens rows of scaled doubles.
inline void strip_twos(std::span<Integer> v) {
    std::size_t common = std::numeric_limits<std::size_t>::max();
    for (const Integer& x : v)
        if (!x.is_zero()) common = std::min(common, x.trailing_zeros());
    if (common == 0) return;
    for (Integer& x : v) x >>= x.is_zero() ? 0 : common;
}

/// Divide by the greatest common divisor of the entries.
inline void make_primitive(std::span<Integer> v) {
    strip_twos(v);
    Integer divisor;
    for (const Integer& x : v)
        if (!x.is_zero() && divisor != Integer(1)) divisor = gcd(std::move(divisor), x);
    if (divisor.is_zero() || divisor == Integer(1)) return;
    for (Integer& x : v) x = exact_quotient(x, divisor);
}

/// A matrix brought to echelon form: row r < rank begins in column pivot_columns[r]; the rows below are zero.
struct Eliminated {
    IntegerMatrix matrix;
    std::vector<std::size_t> pivot_columns;
    Integer pivot = 1;  // the last one: up to its sign the determinant of the rows and columns of all pivots
    int exchanges = 1;  // the sign of the permutation of rows

    std::size_t rank() const { return pivot_columns.size(); }
};

inline Eliminated eliminate(IntegerMatrix m) {
    Eliminated e{std::move(m), {}};
    IntegerMatrix& a = e.matrix;
    for (std::size_t c = 0; c < a.columns && e.rank() < a.rows; ++c) {
        const std::size_t r = e.rank();
        std::size_t best = a.rows;  // the shortest pivot
        for (std::size_t i = r; i < a.rows; ++i)
            if (!a.at(i, c).is_zero() && (best == a.rows || a.at(i, c).bit_length() < a.at(best, c).bit_length())) best = i;
        if (best == a.rows) continue;
        if (best != r) {
            std::swap_ranges(a.row(best).begin(), a.row(best).end(), a.row(r).begin());
            e.exchanges = -e.exchanges;
        }
        const Integer& pivot = a.at(r, c);
        for (std::size_t i = r + 1; i < a.rows; ++i) {
            const Integer factor = -a.at(i, c);
            for (std::size_t k = c; k < a.columns; ++k) {
                if (a.at(i, k).is_zero() && (factor.is_zero() || a.at(r, k).is_zero())) continue;
                Integer value = pivot * a.at(i, k);
                value.add_product(factor, a.at(r, k));
                a.at(i, k) = exact_quotient(value, e.pivot);
            }
        }
        e.pivot = pivot;
        e.pivot_columns.push_back(c);
    }
    return e;
}

inline std::size_t rank(IntegerMatrix m) { return eliminate(std::move(m)).rank(); }

/// The sign of the determinant of a square matrix.
inline int sign_of_determinant(IntegerMatrix m) {
    assert(m.rows == m.columns);
    const std::size_t size = m.rows;
    const Eliminated e = eliminate(std::move(m));
    return e.rank() < size ? 0 : e.exchanges * e.pivot.sign();
}

/// Vectors that span what all rows annihilate, one for each column without a pivot.
inline std::vector<Integers> null_basis(IntegerMatrix m) {
    for (std::size_t i = 0; i < m.rows; ++i) strip_twos(m.row(i));
    const Eliminated e = eliminate(std::move(m));
    const std::size_t columns = e.matrix.columns;
    std::vector<Integers> basis;
    for (std::size_t free = 0; free < columns; ++free) {
        if (std::find(e.pivot_columns.begin(), e.pivot_columns.end(), free) != e.pivot_columns.end()) continue;
        Integers& v = basis.emplace_back(columns);
        v[free] = e.pivot;  // then all entries are integers, by Cramer's rule
        for (std::size_t r = e.rank(); r-- > 0;) {
            const std::size_t c = e.pivot_columns[r];
            Integer sum;
            for (std::size_t k = c + 1; k < columns; ++k) sum.add_product(e.matrix.at(r, k), v[k]);
            v[c] = -exact_quotient(sum, e.matrix.at(r, c));
        }
        strip_twos(v);
    }
    return basis;
}

/// The vector that all rows annihilate, with a positive last entry other than zero; nothing unless the rows leave exactly
/// one direction.  Common factors other than 2 stay: make_primitive removes them where vectors are compared.
inline std::optional<Integers> null_vector(IntegerMatrix m) {
    if (m.columns == 0) return std::nullopt;
    std::vector<Integers> basis = null_basis(std::move(m));
    if (basis.size() != 1) return std::nullopt;
    Integers v = std::move(basis[0]);
    const auto last = std::find_if(v.rbegin(), v.rend(), [](const Integer& x) { return !x.is_zero(); });
    if (last->sign() < 0)
        for (Integer& x : v) x.negate();
    return v;
}

}  // namespace puiseux
