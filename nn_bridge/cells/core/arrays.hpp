// Arrays of Python's numpy: read and written where they are, and made of vectors.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "spares.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace puiseux::cells {

template <class T, int D>
using In = nanobind::ndarray<const T, nanobind::ndim<D>, nanobind::c_contig, nanobind::device::cpu>;
template <class T, int D>
using Out = nanobind::ndarray<T, nanobind::ndim<D>, nanobind::c_contig, nanobind::device::cpu>;

/// Numbers as an array that owns them, in rows of so many or, without columns, side by side; its memory is used again.
template <class T>
nanobind::object array_of(std::vector<T>&& numbers, std::size_t columns = 0) {
    auto* data = new std::vector<T>(std::move(numbers));
    nanobind::capsule owner(data, [](void* p) noexcept {
        auto* array = static_cast<std::vector<T>*>(p);
        Spares<std::vector<T>>::give(std::move(*array));
        delete array;
    });
    const std::size_t shape[2] = {columns ? data->size() / columns : data->size(), columns};
    return nanobind::cast(nanobind::ndarray<nanobind::numpy, T>(data->data(), columns ? 2 : 1, shape, owner));
}

}  // namespace puiseux::cells
