// Arrays that are used again: memory that was given up and is taken again is in the caches, and costs no page faults.
//
// All threads share them: mostly one makes an array and another one gives it up.  Nobody waits for another one: in a process that
// was forked while some thread was here, nobody would ever come out.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

namespace puiseux::cells {

/// At most so many vectors, or other arrays with their functions, each of so many bytes at most.
template <class Array, std::size_t MOST = 8, std::size_t LARGEST = std::size_t{1} << 20>
class Spares {
public:
    /// Keep the memory of an array that is needed no more, if there is not too much of it: of many arrays the largest.
    ///
    /// It takes no memory, so destructors may call it.
    static void give(Array&& array) noexcept {
        const std::size_t bytes = array.capacity() * sizeof(typename Array::value_type);
        if (bytes == 0 || bytes > LARGEST) return;
        array.clear();
        Kept& kept = kept_arrays();
        const std::unique_lock guard(kept.lock, std::try_to_lock);
        if (!guard) return;
        if (kept.count < MOST) {
            kept.arrays[kept.count++] = std::move(array);
            return;
        }
        auto& least = *std::min_element(kept.arrays.begin(), kept.arrays.end(), [](const auto& a, const auto& b) { return a.capacity() < b.capacity(); });
        if (least.capacity() < array.capacity()) least.swap(array);
    }
    /// Make room for so many numbers in an empty array, by the smallest that will do.
    static void reserve(Array& array, std::size_t count) {
        if (array.capacity() >= count) return;
        Kept& kept = kept_arrays();
        if (const std::unique_lock guard(kept.lock, std::try_to_lock); guard) {
            std::size_t best = kept.count;
            for (std::size_t k = 0; k < kept.count; ++k)
                if (kept.arrays[k].capacity() >= count && (best == kept.count || kept.arrays[k].capacity() < kept.arrays[best].capacity())) best = k;
            if (best < kept.count) {
                array.swap(kept.arrays[best]);
                kept.arrays[best].swap(kept.arrays[--kept.count]);
                kept.arrays[kept.count] = {};
                return;
            }
        }
        array.reserve(count);
    }

    /// Free the memory that is kept.
    static void free_all() noexcept {
        Kept& kept = kept_arrays();
        if (const std::unique_lock guard(kept.lock, std::try_to_lock); guard)
            while (kept.count > 0) kept.arrays[--kept.count] = {};
    }

private:
    struct Kept {
        std::mutex lock;
        std::array<Array, MOST> arrays;
        std::size_t count = 0;
    };
    /// They are never destroyed: Python may give up arrays when it ends.
    static Kept& kept_arrays() noexcept {
        alignas(Kept) static std::byte room[sizeof(Kept)];
        static Kept& kept = *new (room) Kept;
        return kept;
    }
};

}  // namespace puiseux::cells
