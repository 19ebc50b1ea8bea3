// What runs keep, against sets and lists of the standard library: sets of zeros bit after bit, residues that occur more than
// once, filters of residues that have been met, and memory that is used again.
//
//     kept SEED ROUNDS
//
// prints how often each was asked; it ends with code 1 where an answer is wrong.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "covers.hpp"
#include "groups.hpp"
#include "growing.hpp"
#include "repeats.hpp"
#include "seen.hpp"
#include "spares.hpp"
#include "zero_sets.hpp"

using namespace puiseux;
using namespace puiseux::cells;

namespace {

std::mt19937_64 numbers;
std::map<std::string, long> asked;

int below(int n) { return int(numbers() % std::uint64_t(n)); }

void require(const char* kind, bool holds) {
    ++asked[kind];
    if (holds) return;
    std::printf("%s: does not hold\n", kind);
    std::exit(1);
}

/// Stages of random widths: what is added to a set is read from it, and nothing else.
void check_zero_sets() {
    Problem problem;
    problem.stages.resize(size_t(1 + below(5)));
    for (Stage& stage : problem.stages) stage.units = 1 + below(150);
    problem.walls.resize(size_t(below(80)));
    const ZeroPlaces places(problem);
    std::vector<std::pair<int, int>> parts;  // where the bits of a stage begin, and how many there are; the walls last
    int end = 0;
    for (size_t s = 0; s + 1 < problem.stages.size(); ++s) {
        require("places", places.stage[s] == end);
        parts.push_back({end, problem.stages[s].units}), end += problem.stages[s].units;
    }
    require("places", places.walls == end && places.stage.size() + 1 == problem.stages.size());
    parts.push_back({end, int(problem.walls.size())}), end += int(problem.walls.size());
    require("places", places.words == std::max(1, (end + 63) / 64));
    std::vector<Word> zeros(size_t(places.words), 0);
    std::vector<bool> truth(size_t(places.words) * 64, false);
    for (int round = 0; round < 3; ++round)
        for (const auto& [begin, units] : parts)
            for (int q = 0; 64 * q < units; ++q) {
                const int count = std::min(64, units - 64 * q);
                const Word full = count == 64 ? ~Word{0} : bit(count) - 1, members = (below(4) ? Word(numbers()) & Word(numbers()) : ~Word{0}) & full;
                add_members(zeros.data(), begin + 64 * q, members);
                for (int i = 0; i < count; ++i)
                    if (members >> i & 1) truth[size_t(begin + 64 * q + i)] = true;
            }
    for (int k = 0; k < 64 * places.words; ++k) require("members that are added", (zeros[size_t(k >> 6)] >> (k & 63) & 1) == Word(truth[size_t(k)]));
    for (const auto& [begin, units] : parts)
        for (int q = 0; 64 * q < units; ++q) {
            const int count = std::min(64, units - 64 * q);
            Word expected = 0;
            for (int i = 0; i < count; ++i) expected |= Word(truth[size_t(begin + 64 * q + i)]) << i;
            require("members that are read", members_of(zeros.data(), begin + 64 * q, count) == expected);
        }
}

void check_repeats() {
    std::vector<std::uint64_t> residues(size_t(below(300)));
    const int different = 1 + below(400);
    for (auto& residue : residues) residue = std::uint64_t(below(different)) << (below(2) ? 0 : 40);
    std::map<std::uint64_t, int> times;
    for (const auto residue : residues) ++times[residue];
    std::vector<std::uint8_t> mask(residues.size(), 0);
    require("repeats", mark_repeats(residues.data(), residues.size(), mask.data()) == std::int64_t(residues.size() - times.size()));
    for (size_t k = 0; k < residues.size(); ++k) require("repeats", mask[k] == (times[residues[k]] > 1));
}

/// A residue that was met is known, and few others are taken for one, through all sets of bits.
void check_seen() {
    SeenResidues seen;
    std::set<std::uint64_t> met;
    long mistaken = 0;
    for (int k = 0; k < 100'000; ++k) {
        const std::uint64_t residue = numbers() >> (below(3) ? 2 : 48);
        const bool known = seen.meet(residue), truth = !met.insert(residue).second;
        require("residues that were met", known || !truth);
        mistaken += known && !truth;
    }
    require("residues that were not met", mistaken < 7'000);
}

/// Residues of which each sets a bit of its own, until no set has room for more.
void check_full() {
    std::uint64_t inverse = 1;  // of the factor of the hash, by Newton's method
    for (int k = 0; k < 6; ++k) inverse *= 2 - 0x9E3779B97F4A7C15u * inverse;
    SeenResidues seen;
    for (int round = 0; round < 3; ++round)
        for (std::uint64_t place = 0; place < std::uint64_t{1} << 22; ++place) {
            const bool known = seen.meet((place << 42) * inverse);
            if (round == 2) require("filters without room", known);
        }
    require("filters without room", seen.meet(1));
}

/// Whether residues came with several patterns, of which the first 30 bits tell them apart; then so many that the table is full.
void check_groups() {
    SeenGroups groups;
    std::map<std::uint64_t, std::set<std::uint64_t>> met;
    const auto pattern = [] { return (numbers() % 3 ? 5 : numbers() % 7) << 34 | numbers() % 9; };
    for (int k = 0; k < 60'000; ++k) {
        const std::uint64_t residue = numbers() % 40'000, own = pattern();
        auto& patterns = met[residue];
        patterns.insert(own >> 34);
        groups.expect(residue);
        require("residues that came with several patterns", groups.meet(residue, own) == (patterns.size() > 1));
    }
    SeenGroups full;
    const std::uint64_t room = 3 << 18;
    for (std::uint64_t residue = 0; residue < room + 9; ++residue) {
        const bool several = full.meet(residue, residue << 34);
        require("residues beyond the table", several == (residue > room));
    }
    for (std::uint64_t residue = 0; residue < 1000; ++residue) {
        require("residues that came with several patterns", !full.meet(residue, residue << 34));
        require("residues that came with several patterns", full.meet(residue, (residue + 1) << 34));
        require("residues that came with several patterns", full.meet(residue, residue << 34));
    }
}

/// A pattern without units that others cover, by the definition: from the last stage to the first.
void check_covers() {
    const int stages = 2 + int(numbers() % 3), width = 1 + int(numbers() % 130), words = (width + 63) / 64;
    const int bits = numbers() % 2 ? width : 64 * words;  // bit after bit, or a stage in words of its own
    const auto place = [&](int stage, int unit) { return size_t(bits * stage + unit); };
    std::vector<Cover> covers;
    for (int k = int(numbers() % 40); k > 0; --k) {
        const int stage = 1 + int(numbers() % size_t(stages - 1)), unit = int(numbers() % size_t(width));
        covers.push_back({stage, unit, int(numbers() % size_t(stage)), numbers() % 2 ? unit : int(numbers() % size_t(width))});
    }
    std::vector<std::uint64_t> pattern(size_t(stages * words));
    for (auto& word : pattern) word = numbers();
    auto expected = pattern;
    const auto on = [&](int stage, int unit) { return expected[place(stage, unit) / 64] >> (place(stage, unit) % 64) & 1; };
    for (int stage = stages - 1; stage > 0; --stage)
        for (const Cover& c : covers)
            if (c.stage == stage && on(c.stage, c.unit)) expected[place(c.of_stage, c.of_unit) / 64] &= ~bit(int(place(c.of_stage, c.of_unit) % 64));
    const CoverMask mask(covers, place);
    mask.apply(pattern.data());
    require("covered units", pattern == expected && mask.empty() == covers.empty());
}

/// Of more arrays than are kept the largest are.
void check_many_spares() {
    using Kept = Spares<std::vector<std::uint32_t>>;
    auto give = [](std::size_t capacity) {
        std::vector<std::uint32_t> array;
        array.reserve(capacity);
        const auto* memory = array.data();
        Kept::give(std::move(array));
        return memory;
    };
    for (std::size_t k = 0; k < 8; ++k) give(100 + k);
    const auto* memory = give(5000);
    give(50);
    std::vector<std::uint32_t> large, least;
    Kept::reserve(large, 3000);
    require("the largest arrays", large.data() == memory);
    Kept::reserve(least, 1);
    require("the largest arrays", least.capacity() == 101);
}

/// Arrays that grow, move and are given up in any order, against vectors; and memory that is used again.
void check_growing() {
    using joining::Growing;
    std::vector<Growing<std::uint32_t>> arrays(6);
    std::vector<std::vector<std::uint32_t>> expected(6);
    for (int step = 0; step < 400; ++step) {
        const auto one = size_t(below(6)), other = size_t(below(6));
        if (const int kind = below(20); kind == 0) {
            arrays[one] = Growing<std::uint32_t>(), expected[one].clear();
        } else if (kind == 1 && one != other) {
            arrays[one] = std::move(arrays[other]), expected[one] = expected[other];
            arrays[other] = Growing<std::uint32_t>(), expected[other].clear();
        } else {
            const size_t more = size_t(below(200));
            arrays[one].reserve(expected[one].size() + more);
            for (size_t k = 0; k < more; ++k) {
                expected[one].push_back(std::uint32_t(numbers()));
                arrays[one][expected[one].size() - 1] = expected[one].back();
            }
        }
        for (size_t a = 0; a < 6; ++a)
            require("arrays that grow", std::equal(expected[a].begin(), expected[a].end(), arrays[a].data()) && arrays[a].capacity() >= expected[a].size());
    }
    arrays.clear();
    const void* memory;
    {
        Growing<double> array;
        array.reserve(1 << 18);
        memory = array.data();
    }
    Growing<char> again;
    again.reserve(2 << 20);
    require("memory of arrays that grow", again.data() == memory);
    bool refused = false;
    try {
        Growing<double>().reserve(SIZE_MAX / 8 + 2);
    } catch (const std::bad_alloc&) {
        refused = true;
    }
    require("more than there is", refused);
    for (std::size_t bytes : {1000, 2000, 3000}) Growing<char>().reserve(bytes);
    try {
        Growing<double>().reserve(SIZE_MAX / 16);
    } catch (const std::bad_alloc&) {
        joining::Block fresh;
        joining::SpareBlocks::reserve(fresh, 10);
        require("nothing kept where memory is short", fresh.capacity() == 10);
    }
}

void check_spares() {
    using Kept = Spares<std::vector<std::uint16_t>>;
    std::vector<std::uint16_t> array;
    for (int k = 0; k < 20; ++k) Kept::give({});  // no memory: it takes no place
    array.reserve(1000);
    const auto* memory = array.data();
    array.resize(7, 1);
    Kept::give(std::move(array));
    std::vector<std::uint16_t> small, large, next;
    Kept::reserve(large, 2000);
    require("memory that is used again", large.capacity() >= 2000 && large.data() != memory);
    Kept::reserve(small, 10);
    require("memory that is used again", small.data() == memory && small.empty());
    Kept::reserve(next, 10);
    require("memory that is used again", next.capacity() >= 10 && next.data() != memory);
    std::vector<std::uint16_t> huge(1 << 20);
    const auto* much = huge.data();
    Kept::give(std::move(huge));
    std::vector<std::uint16_t> fresh;
    Kept::reserve(fresh, 1);
    require("memory that is given back", fresh.capacity() < 1 << 20 && much != nullptr);
    std::thread([] {
        std::vector<std::uint16_t> other;
        other.reserve(77);
        Kept::give(std::move(other));
    }).join();
    std::vector<std::uint16_t> from_other;
    Kept::reserve(from_other, 70);
    require("memory that is used again", from_other.capacity() == 77);
    std::vector<std::vector<std::uint16_t>> many(13);
    for (auto& one : many) one.reserve(100);
    for (auto& one : many) Kept::give(std::move(one));
    many = std::vector<std::vector<std::uint16_t>>(13);
    for (auto& one : many) Kept::reserve(one, 50);
    require("memory that is given back", std::count_if(many.begin(), many.end(), [](const auto& one) { return one.capacity() == 100; }) == 8);
}

}  // namespace

int main(int argc, char** argv) {
    numbers.seed(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 1000;
    for (int i = 0; i < rounds; ++i) check_zero_sets(), check_repeats(), check_covers();
    for (int i = 0; i < rounds / 10; ++i) check_growing();
    check_seen(), check_full(), check_groups(), check_spares(), check_many_spares();
    for (const auto& [kind, times] : asked) std::printf("%s\t%ld\n", kind.c_str(), times);
}
