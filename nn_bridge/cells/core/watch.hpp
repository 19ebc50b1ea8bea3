// When a run ends: softly between two cells, or at once by an exception inside a step.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>

namespace puiseux::cells {

/// Control goes back to the caller; what is left to do has been noted.
struct Stopped : std::exception {
    const char* what() const noexcept override { return "stopped"; }
};

inline double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Counts effort in elementary operations and looks at the clock now and then.
///
/// A soft end is taken between two cells, once a leaf has been found and at least as long was spent on new work as on
/// the way to where it began: so cuts of minutes are not thrown away to be repeated for ever.
class Watch {
public:
    double soft_seconds = 1e300, hard_time = 1e300;  // a span from the start of the run; a moment
    std::atomic<bool>* stop = nullptr;               // asks for an end at once, from any thread
    std::atomic<bool>* share = nullptr;              // others are idle: ends softly, so that what is left can be divided
    bool (*ask)(void*) = nullptr;                    // asked every 50 ms or so, where given; true ends the run at once
    void* asked = nullptr;

    void start() {
        begun_ = arrived_ = asked_at_ = seconds_now();
        effort_ = 0, soft_ = false, asked_end_ = false;
    }
    /// The way to where the run began is over: from here on work is new.
    void arrive() { arrived_ = seconds_now(); }

    /// Spend effort inside a step; throws Stopped where the run has to end at once.
    void spend(std::int64_t operations) {
        effort_ += operations;
        if (effort_ >= AT_ONCE) [[unlikely]] look();
    }
    /// Whether to end at the next opportunity between two cells.
    bool soft() const { return soft_; }
    void end_softly() { soft_ = true; }
    bool asked_to_end() const { return asked_end_; }
    /// Ask, from the thread that may, whether the run is to end; it ends at its next look.
    void ask_from_outside() {
        if (ask && !asked_end_ && ask(asked)) asked_end_ = true;
    }
    /// Whether another thread does the asking.
    bool others_ask = false;

private:
    static constexpr std::int64_t AT_ONCE = 1 << 19;
    static constexpr double SOON = 0.002;            // seconds of work that are worth a division
    std::int64_t effort_ = 0;
    double begun_ = 0, arrived_ = 0, asked_at_ = 0;
    bool soft_ = false;
    std::atomic<bool> asked_end_ = false;

    void look() {
        effort_ = 0;
        const double now = seconds_now();
        const double span = share && share->load(std::memory_order_relaxed) ? std::min(SOON, soft_seconds) : soft_seconds;
        if (now - begun_ > span && now - arrived_ >= arrived_ - begun_) soft_ = true;
        if (ask && !others_ask && now - asked_at_ > 0.05) {
            asked_at_ = now;
            if (ask(asked)) asked_end_ = true;
        }
        if (asked_end_ || now > hard_time || (stop && stop->load(std::memory_order_relaxed))) throw Stopped();
    }
};

/// Figures about a run.
struct Counters {
    std::int64_t cells = 0, splits = 0, generators = 0, evaluations = 0, polished = 0, exact = 0, planar = 0, witnessed = 0, polygons = 0;
    std::int64_t most_generators = 0;
};

}  // namespace puiseux::cells
