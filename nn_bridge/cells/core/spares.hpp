// Arrays that are used again: memory that a thread gave up and takes again is in the caches, and costs no page faults.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

namespace puiseux::cells {

template <class T>
class Spares {
public:
    /// Keep the memory of an array that is needed no more, if there is not too much of it.
    static void give(std::vector<T>&& array) {
        if (kept_.size() >= MOST || array.capacity() * sizeof(T) > LARGEST) return;
        array.clear();
        kept_.push_back(std::move(array));
    }
    /// Make room for so many numbers in an empty array.
    static void reserve(std::vector<T>& array, std::size_t count) {
        if (array.capacity() >= count) return;
        for (auto& spare : kept_)
            if (spare.capacity() >= count) {
                array.swap(spare);
                std::swap(spare, kept_.back());
                kept_.pop_back();
                return;
            }
        array.reserve(count);
    }

private:
    static constexpr std::size_t MOST = 4, LARGEST = std::size_t{1} << 19;  // arrays, and bytes
    static inline thread_local std::vector<std::vector<T>> kept_;
};

}  // namespace puiseux::cells
