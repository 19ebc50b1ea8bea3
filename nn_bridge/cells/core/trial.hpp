// Whether leaves are to be joined as they come: decided in the middle of a run, by residues that occur more than once.
//
// After a few leaves: if many of them share their residues, those that follow go on bringing their neighbours, and all are joined.
// Else they bring none, and the run ends where many of the latest ones do.  A run that stopped for each look would have to find
// the way back to where it stood, which takes longer than some hundred leaves do.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "repeats.hpp"

namespace puiseux::cells {

class Trial {
public:
    enum class Verdict { OPEN = 0, ALONE = 1, JOINED = 2 };

    Verdict verdict = Verdict::OPEN;

    /// Look at the first leaves of the next batch; "many" are one in `share`.  Later looks are at `latest` leaves, or as many as there were before.
    void begin(std::int64_t first, std::int64_t latest, std::int64_t share) {
        next_ = first, latest_ = latest, share_ = share, seen_ = 0, verdict = Verdict::OPEN, over_ = false;
    }
    /// Decide, or look again, no more.
    void end() { next_ = NEVER, over_ = false; }

    /// Whether it is time for a look.
    bool due(std::int64_t leaves) const { return leaves >= next_; }
    /// Whether many of the latest leaves share their residues, after which there are no more looks.
    bool over() const { return over_; }
    /// How many leaves a batch has room for at first: it may be over soon.
    std::int64_t room(std::int64_t most) const { return next_ == NEVER || most < ROOM ? most : ROOM; }

    /// Look at the residues of a batch.
    void look(const std::vector<std::uint64_t>& residues) {
        const std::size_t count = residues.size() - seen_;
        std::vector<std::uint8_t> mask(count, 0);
        const bool many = share_ * mark_repeats(residues.data() + seen_, count, mask.data()) >= std::int64_t(count);
        const bool first = verdict == Verdict::OPEN;
        if (first) verdict = many ? Verdict::JOINED : Verdict::ALONE;
        over_ = many && !first;
        seen_ = residues.size();
        next_ = many ? NEVER : std::int64_t(seen_) + (std::int64_t(seen_) < latest_ ? latest_ : std::int64_t(seen_));
    }

private:
    static constexpr std::int64_t NEVER = std::numeric_limits<std::int64_t>::max(), ROOM = 1 << 12;
    std::int64_t next_ = NEVER, latest_ = 0, share_ = 0;
    std::size_t seen_ = 0;
    bool over_ = false;
};

}  // namespace puiseux::cells
