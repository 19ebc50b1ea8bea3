// Newton's step for a generator: solve again for the point in which its facets meet, with a verified error bound.
//
// Source: the standard verification of an approximate solution, |y - y*| <= |R r| / (1 - |I - R A|) in the maximum norm
// (Rump 2010, Verification methods, section 10), with the rows' own errors in A and r.
#pragma once
#include <span>
#include <vector>

#include "bounds.hpp"
#include "units.hpp"

namespace puiseux::cells {

/// Rows of equal length that vanish at a point, and by how much the coefficients of each may be off.
class Rows {
public:
    explicit Rows(int width) : width_(width) {}
    double* add(double error) {
        errors_.push_back(error);
        entries_.resize(entries_.size() + size_t(width_));
        return &entries_[entries_.size() - size_t(width_)];
    }
    int count() const { return int(errors_.size()); }
    int width() const { return width_; }
    double* operator[](int i) { return &entries_[size_t(i) * size_t(width_)]; }
    const double* operator[](int i) const { return &entries_[size_t(i) * size_t(width_)]; }
    double error(int i) const { return errors_[size_t(i)]; }

private:
    int width_;
    std::vector<double> entries_, errors_;
};

/// Refine homogeneous coordinates x from rows that vanish there; returns the new error bound, or -1 where nothing could
/// be verified (x is then unchanged).
///
/// Fixes the largest coordinate, picks independent rows by full pivoting, inverts them approximately (R), and takes one
/// step of iterative refinement.  The largest coordinate must have its true sign.
double polish(const Rows& given, std::span<double> x);

}  // namespace puiseux::cells
