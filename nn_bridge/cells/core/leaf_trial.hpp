// Whether leaves are to be joined as they come: decided in the middle of a run, by residues that occur more than once.
//
// The first few leaves bring their neighbours.  If many of them share their residues, those that follow do so too, and all are
// to be joined.  Else they bring none, until many of the latest ones share theirs.  A run that stopped for each look would have to
// find the way back to where it stood, which takes longer than some hundred leaves do.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "repeats.hpp"

namespace puiseux::cells {

class Trial {
public:
    enum class Verdict { OPEN = 0, APART = 1, JOINED = 2 };

    Verdict verdict() const { return verdict_; }

    /// Look at the first leaves of the next batch; "many" are one in `share`.  Later looks are after `latest` more, or as many as there were.
    void begin(std::int64_t first, std::int64_t latest, std::int64_t share) {
        next_ = first, latest_ = latest, share_ = share, seen_ = 0, verdict_ = Verdict::OPEN;
    }
    /// Look no more.
    void end() { next_ = NEVER; }

    /// Whether there will be a look, and whether it is time for it.
    bool on() const { return next_ != NEVER; }
    bool due(std::int64_t leaves) const { return leaves >= next_; }

    /// Look at the residues of the latest leaves of a batch; once many are shared, that is the last look.
    void look(const std::vector<std::uint64_t>& residues) {
        const std::size_t count = residues.size() - seen_;
        std::vector<std::uint8_t> mask(count, 0);
        const bool many = share_ * mark_repeats(residues.data() + seen_, count, mask.data()) >= std::int64_t(count);
        verdict_ = many ? Verdict::JOINED : Verdict::APART;
        seen_ = residues.size();
        next_ = many ? NEVER : std::int64_t(seen_) + std::max(latest_, std::int64_t(seen_));
    }

private:
    static constexpr std::int64_t NEVER = std::numeric_limits<std::int64_t>::max();
    std::int64_t next_ = NEVER, latest_ = 0, share_ = 0;
    std::size_t seen_ = 0;              // so many leaves of the batch have been looked at
    Verdict verdict_ = Verdict::OPEN;
};

}  // namespace puiseux::cells
