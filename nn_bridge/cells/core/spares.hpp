// Arrays that are used again: memory that a thread gave up and takes again is in the caches, and costs no page faults.
#pragma once
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace puiseux::cells {

template <class T>
class Spares {
public:
    /// Keep the memory of an array that is needed no more, if there is not too much of it.
    ///
    /// It takes no memory, so destructors may call it.
    static void give(std::vector<T>&& array) noexcept {
        const std::size_t bytes = array.capacity() * sizeof(T);
        if (count_ == MOST || bytes == 0 || bytes > LARGEST) return;
        array.clear();
        kept_[count_++] = std::move(array);
    }
    /// Make room for so many numbers in an empty array, by the smallest that will do.
    static void reserve(std::vector<T>& array, std::size_t count) {
        if (array.capacity() >= count) return;
        std::size_t best = count_;
        for (std::size_t k = 0; k < count_; ++k)
            if (kept_[k].capacity() >= count && (best == count_ || kept_[k].capacity() < kept_[best].capacity())) best = k;
        if (best == count_) return array.reserve(count);
        array.swap(kept_[best]);
        kept_[best].swap(kept_[--count_]);
        kept_[count_] = {};
    }

private:
    static constexpr std::size_t MOST = 4, LARGEST = std::size_t{1} << 20;  // arrays, and bytes
    static inline thread_local std::array<std::vector<T>, MOST> kept_;
    static inline thread_local std::size_t count_ = 0;
};

}  // namespace puiseux::cells
