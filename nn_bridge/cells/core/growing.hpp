// An array of plain numbers that grows, and a hash table whose slots tell rows that are kept elsewhere.
//
// Large arrays grow in place where the system can move their pages, so that they are neither copied nor kept twice; the memory of
// others is used again (spares.hpp).
// A slot is the hash of a row, 32 bits, with the row's number, so rows are looked at only where their hashes are equal, and a
// larger table is made from the slots alone.  Collisions go to the next slot; home slots increase with hashes.
// Source: linear probing, Knuth, volume 3, section 6.4, algorithm L.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

#include "spares.hpp"

namespace puiseux::cells::joining {

/// Bytes that grow in place where they can; they have any value.
class Block {
public:
    using value_type = std::byte;
    Block() = default;
    Block(Block&& other) noexcept { swap(other); }
    Block& operator=(Block&& other) noexcept {
        Block taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~Block() { std::free(data_); }

    void* data() const { return data_; }
    std::size_t capacity() const { return capacity_; }
    void clear() {}
    void reserve(std::size_t bytes) {
        void* moved = std::realloc(data_, bytes);
        if (!moved) throw std::bad_alloc();
        data_ = moved, capacity_ = bytes;
    }
    void swap(Block& other) noexcept { std::swap(data_, other.data_), std::swap(capacity_, other.capacity_); }

private:
    void* data_ = nullptr;
    std::size_t capacity_ = 0;
};

/// Large tables of the next count fit into those of the last one.
using SpareBlocks = Spares<Block, 4, std::size_t{1} << 23>;

template <class T>
class Growing {
public:
    static_assert(std::is_trivially_copyable_v<T>);
    Growing() = default;
    Growing(Growing&&) noexcept = default;
    Growing& operator=(Growing&& other) noexcept {
        block_.swap(other.block_);
        return *this;
    }
    ~Growing() { SpareBlocks::give(std::move(block_)); }

    T& operator[](std::size_t i) { return data()[i]; }
    const T& operator[](std::size_t i) const { return data()[i]; }
    T* data() { return static_cast<T*>(block_.data()); }
    const T* data() const { return static_cast<const T*>(block_.data()); }
    std::size_t capacity() const { return block_.capacity() / sizeof(T); }

    /// Make room for so many; what is new has any value.
    void reserve(std::size_t count) {
        if (count <= capacity()) return;
        if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
        const std::size_t bytes = count * sizeof(T), own = block_.capacity();
        const std::size_t grown = own < SOME ? 2 * own : own < MANY ? std::min(4 * own, 2 * MANY) : own / 4 * 5;
        try {
            grow(std::max({bytes, FEW * sizeof(T), grown}));
        } catch (const std::bad_alloc&) {
            SpareBlocks::free_all();
            grow(bytes);
        }
    }

private:
    // from some bytes on memory that is not yet used costs nothing, and copying does; large arrays are not copied
    static constexpr std::size_t FEW = 256, SOME = std::size_t{1} << 17, MANY = std::size_t{1} << 25;
    Block block_;

    void grow(std::size_t bytes) {
        if (block_.capacity() > 0) block_.reserve(bytes);
        else SpareBlocks::reserve(block_, bytes);
    }
};

class SlotTable {
public:
    using Number = std::uint32_t;
    using Hash = std::uint32_t;
    static constexpr Number NONE = ~Number{0};

    /// Make room for more rows.
    void reserve(std::int64_t more) {
        int bits = bits_;
        while (10 * (taken_ + more) > 7 * (std::int64_t{1} << bits) || !bits) bits = !bits ? FEWEST : bits + (bits < SMALL ? 2 : 1);
        if (bits == bits_) return;
        SlotTable larger;
        larger.bits_ = bits, larger.taken_ = taken_;
        larger.slots_.reserve(std::size_t{1} << bits);
        std::fill_n(larger.slots_.data(), std::size_t{1} << bits, EMPTY);
        for (std::size_t k = 0; k < size(); ++k)
            if (slots_[k] != EMPTY) larger.slots_[larger.free_slot(Hash(slots_[k] >> 32))] = slots_[k];
        *this = std::move(larger);
    }

    /// Load the slots of a hash that is asked for soon.
    void expect([[maybe_unused]] Hash hash) const {
#if defined(__GNUC__)
        __builtin_prefetch(slots_.data() + home(hash));
#endif
    }
    /// The number in the first slot of a hash, if it has the same hash: most probably of the row that is looked for.
    Number likely(Hash hash) const {
        const std::uint64_t slot = slots_[home(hash)];
        return Hash(slot >> 32) == hash ? Number(slot) : NONE;
    }
    /// The number of the row with a hash of which `is` is true, or NONE.
    template <class Is>
    Number find(Hash hash, Is&& is) const {
        for (std::size_t k = home(hash);; k = (k + 1) & (size() - 1)) {
            const std::uint64_t slot = slots_[k];
            if (slot == EMPTY) return NONE;
            if (Hash(slot >> 32) == hash && is(Number(slot))) return Number(slot);
        }
    }
    /// Take in a row that is not yet there; there is room.
    void put(Hash hash, Number number) { slots_[free_slot(hash)] = std::uint64_t{hash} << 32 | number, ++taken_; }

    std::int64_t taken() const { return taken_; }
    std::int64_t bytes() const { return std::int64_t(size() * sizeof(std::uint64_t)); }

private:
    static constexpr std::uint64_t EMPTY = ~std::uint64_t{0};
    static constexpr int FEWEST = 10, SMALL = 18;  // powers of two: the fewest slots; up to these tables grow fourfold
    Growing<std::uint64_t> slots_;
    int bits_ = 0;
    std::int64_t taken_ = 0;

    std::size_t size() const { return bits_ ? std::size_t{1} << bits_ : 0; }
    std::size_t home(Hash hash) const { return std::size_t(std::uint64_t{hash} << 32 >> (64 - bits_)); }
    std::size_t free_slot(Hash hash) const {
        std::size_t k = home(hash);
        while (slots_[k] != EMPTY) k = (k + 1) & (size() - 1);
        return k;
    }
};

}  // namespace puiseux::cells::joining
