// Derivatives of the outputs by units: whether they are zero, by paths, and as whole numbers modulo a power of two (derivatives.hpp).
#include "derivatives.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "limbs.hpp"
#include "units.hpp"

namespace puiseux::cells {

namespace {

/// Whole numbers modulo 2^(64 L).
template <size_t L>
struct Wrapped {
    std::array<Word, L> limbs{};

    bool is_zero() const {
        Word any = 0;
        for (const Word limb : limbs) any |= limb;
        return any == 0;
    }
    void add(const Word* b) {
        Word carry = 0;
        for (size_t i = 0; i < L; ++i) limbs[i] = limbs::multiply_add(b[i], 1, limbs[i], carry, carry);
    }
    void add_product(const Wrapped& a, const Word* b) {
        for (size_t i = 0; i < L; ++i) {
            Word carry = 0;
            for (size_t j = 0; i + j < L; ++j) limbs[i + j] = limbs::multiply_add(a.limbs[i], b[j], limbs[i + j], carry, carry);
        }
    }
};

template <>
struct Wrapped<1> {
    Word limbs[1]{};

    bool is_zero() const { return limbs[0] == 0; }
    void add(const Word* b) { limbs[0] += b[0]; }
    void add_product(const Wrapped& a, const Word* b) { limbs[0] += a.limbs[0] * b[0]; }
};

template <>
struct Wrapped<2> {
    Word limbs[2]{};

    bool is_zero() const { return (limbs[0] | limbs[1]) == 0; }
    void add(const Word* b) {
        limbs[0] += b[0];
        limbs[1] += b[1] + (limbs[0] < b[0]);
    }
    void add_product(const Wrapped& a, const Word* b) {
        Word high = 0;
        limbs[0] = limbs::multiply_add(a.limbs[0], b[0], limbs[0], 0, high);
        limbs[1] += high + a.limbs[0] * b[1] + a.limbs[1] * b[0];
    }
};

/// Those that are zero since no path of active units leads from the unit to an output.
class Paths final : public Derivatives {
public:
    /// For patterns of `words` words a stage.
    Paths(const WholeWeights& network, int words)
        : stages_(network.units.size() - 1), words_(size_t(words)), columns_(stages_ * words_), reached_(columns_), by_output_(columns_) {
        size_t units = 0;
        for (size_t s = 0; s < stages_; ++s) first_.push_back(units), units += size_t(network.units[s]);
        reads_.resize(units * columns_);
        for (size_t t = 0; t < network.blocks.size(); ++t)
            for (const auto& block : network.blocks[t])
                for (size_t i = 0, columns = size_t(words_for(network.units[t])); i < size_t(network.units[size_t(block.source)]); ++i)
                    for (size_t q = 0; q < columns; ++q)
                        for (Word left = block.readers[i * columns + q]; left; left &= left - 1) {
                            Word* own = t < stages_ ? &reads_[(first_[t] + 64 * q + size_t(std::countr_zero(left))) * columns_] : by_output_.data();
                            own[size_t(block.source) * words_ + i / 64] |= bit(int(i));
                        }
    }

    void begin(const Word* pattern) override {
        active_ = pattern, known_ = stages_;
        for (size_t c = 0; c < columns_; ++c) reached_[c] = by_output_[c];
    }

    bool still(size_t stage, size_t unit) override {
        for (; known_ > stage + 1; --known_) go_through(known_ - 1);
        return !(reached_[stage * words_ + unit / 64] & bit(int(unit)));
    }

    bool alike(const Word* other) override {
        for (size_t at = columns_; at-- > 0;) {
            const Word apart = active_[at] ^ other[at];
            if (!apart) continue;
            for (; known_ > at / words_ + 1; --known_) go_through(known_ - 1);
            if (apart & reached_[at]) return false;
        }
        return true;
    }

    void map(Word*) override { throw std::logic_error("paths tell no map"); }

private:
    size_t stages_, words_, columns_;
    std::vector<size_t> first_;          // by stage: the number of its first unit
    std::vector<Word> reads_;            // by unit: the units that it reads, as a pattern
    const Word* active_ = nullptr;       // the pattern
    size_t known_ = 0;                   // from the stage before this one on what it reaches is complete
    std::vector<Word> reached_, by_output_;  // units from which a path leads on; those that outputs read

    /// Add what the active units of a stage read from which a path leads to an output.
    void go_through(size_t stage) {
        for (size_t q = 0; q < words_; ++q)
            for (Word left = active_[stage * words_ + q] & reached_[stage * words_ + q]; left; left &= left - 1) {
                const Word* own = &reads_[(first_[stage] + 64 * q + size_t(std::countr_zero(left))) * columns_];
                for (size_t c = 0; c < stage * words_; ++c) reached_[c] |= own[c];
            }
    }
};

/// Those modulo 2^(64 L), found where they are asked for.
///
/// Maxima are built of units such that one, u, is read by another one, v, with weight -c, and by all others with c times the
/// weight with which they read v.  Then the derivative by u is c times that by v, minus the same if v is active.
template <size_t L>
class WholeDerivatives final : public Derivatives {
public:
    /// For patterns of `words` words a stage.
    WholeDerivatives(const WholeWeights& network, int words)
        : network_(network), stages_(network.units.size() - 1), words_(size_t(words)), outputs_(size_t(network.units.back())), read_by_(stages_) {
        for (size_t s = 0; s < stages_; ++s) first_.push_back(units_), units_ += size_t(network.units[s]);
        values_.resize(outputs_ * units_), found_.resize(outputs_ * units_);
        for (size_t t = 0; t < network.blocks.size(); ++t)
            for (const auto& block : network.blocks[t]) read_by_[size_t(block.source)].push_back({t, size_t(network.units[t]), &block});
    }

    void begin(const Word* pattern) override { active_ = pattern, ++now_; }

    bool still_at_once(size_t stage, size_t unit) override {
        if (heirs_.empty()) find_heirs();
        for (Unit heir = heirs_[first_[stage] + unit]; heir.stage < stages_; heir = heirs_[first_[heir.stage] + heir.unit])
            if (active_[heir.stage * words_ + heir.unit / 64] & bit(int(heir.unit))) return true;
        return false;
    }

    bool still(size_t stage, size_t unit) override {
        if (still_at_once(stage, unit)) return true;
        for (size_t output = 0; output < outputs_; ++output)
            if (!derivative(output, stage, unit).is_zero()) return false;
        return true;
    }

    bool alike(const Word* other) override {
        for (size_t at = stages_ * words_; at-- > 0;)
            for (Word left = active_[at] ^ other[at]; left; left &= left - 1)
                if (!still(at / words_, 64 * (at % words_) + size_t(std::countr_zero(left)))) return false;
        return true;
    }

    void map(Word* to) override {
        const auto inputs = size_t(network_.inputs);
        std::vector<Wrapped<L>> sums(inputs);
        for (size_t output = 0; output < outputs_; ++output) {
            std::fill(sums.begin(), sums.end(), Wrapped<L>{});
            for (size_t c = 0; c < inputs; ++c) sums[c].add(network_.constants.back().data() + (output * inputs + c) * L);
            for (size_t at = 0; at < stages_ * words_; ++at)
                for (Word left = active_[at]; left; left &= left - 1) {
                    const size_t stage = at / words_, unit = 64 * (at % words_) + size_t(std::countr_zero(left));
                    const Wrapped<L>& own = derivative(output, stage, unit);
                    for (size_t c = 0; c < inputs && !own.is_zero(); ++c) sums[c].add_product(own, network_.constants[stage].data() + (unit * inputs + c) * L);
                }
            for (const Wrapped<L>& sum : sums)
                for (size_t l = 0; l < L; ++l) *to++ = sum.limbs[l];
        }
    }

private:
    struct Reader {
        size_t stage, units;
        const WholeWeights::Block* block;

        const Word* weights(size_t unit) const { return block->weights.data() + unit * units * L; }
    };
    struct Unit {
        size_t stage, unit;
    };
    const WholeWeights& network_;
    size_t stages_, words_, outputs_, units_ = 0;
    std::vector<std::vector<Reader>> read_by_;
    std::vector<size_t> first_;             // by stage: the number of its first unit
    std::vector<Unit> heirs_;               // by unit: v of the rule above, or a stage that is none; once they are needed
    const Word* active_ = nullptr;          // the pattern
    std::vector<Wrapped<L>> values_;        // by output and unit
    std::vector<std::uint64_t> found_;      // .. when they were found
    std::uint64_t now_ = 0;

    void find_heirs() {
        for (size_t s = 0; s < stages_; ++s)
            for (size_t j = 0; j < size_t(network_.units[s]); ++j) heirs_.push_back(heir_of(s, j));
    }
    Unit heir_of(size_t stage, size_t unit) const {
        for (const Reader& reader : read_by_[stage])
            for (size_t j = 0; j < reader.units && reader.stage < stages_; ++j)
                if (is_heir(stage, unit, reader.stage, j, reader.weights(unit) + j * L)) return {reader.stage, j};
        return {stages_, 0};
    }
    /// Whether the rule holds for two units, of which the later one reads the earlier one with a weight.
    bool is_heir(size_t stage, size_t unit, size_t later, size_t heir, const Word* weight) const {
        Wrapped<L> factor;  // minus the weight
        Word carry = 1, any = 0;
        for (size_t l = 0; l < L; ++l) any |= weight[l], factor.limbs[l] = limbs::multiply_add(~weight[l], 1, 0, carry, carry);
        if (!any) return false;
        for (size_t t = stage + 1; t <= stages_; ++t) {
            const Reader *own = reader_of(stage, t), *other = t > later ? reader_of(later, t) : nullptr;
            for (size_t k = 0; k < size_t(network_.units[t]); ++k) {
                if (t == later && k == heir) continue;
                Wrapped<L> difference;
                if (other) difference.add_product(factor, other->weights(heir) + k * L);
                for (size_t l = 0; l < L; ++l)
                    if (difference.limbs[l] != (own ? own->weights(unit)[k * L + l] : 0)) return false;
            }
        }
        return true;
    }
    const Reader* reader_of(size_t stage, size_t by) const {
        for (const Reader& reader : read_by_[stage])
            if (reader.stage == by) return &reader;
        return nullptr;
    }

    const Wrapped<L>& derivative(size_t output, size_t stage, size_t unit) {
        const size_t place = output * units_ + first_[stage] + unit;
        Wrapped<L>& sum = values_[place];
        if (found_[place] == now_) return sum;
        sum = {}, found_[place] = now_;
        for (const Reader& reader : read_by_[stage]) {
            const size_t columns = size_t(words_for(int(reader.units)));
            const Word* readers = reader.block->readers.data() + unit * columns;
            const Word* weights = reader.weights(unit);
            if (reader.stage == stages_) {
                if (readers[output / 64] & bit(int(output))) sum.add(weights + output * L);
                continue;
            }
            const Word* active = active_ + reader.stage * words_;
            for (size_t q = 0; q < columns; ++q)
                for (Word left = active[q] & readers[q]; left; left &= left - 1) {
                    const size_t j = 64 * q + size_t(std::countr_zero(left));
                    const Wrapped<L>& own = derivative(output, reader.stage, j);
                    if (!own.is_zero()) sum.add_product(own, weights + j * L);
                }
        }
        return sum;
    }
};

}  // namespace

std::unique_ptr<Derivatives> derivatives(const WholeWeights& network, int words) {
    switch (network.limbs) {
        case 0: return std::make_unique<Paths>(network, words);
        case 1: return std::make_unique<WholeDerivatives<1>>(network, words);
        case 2: return std::make_unique<WholeDerivatives<2>>(network, words);
        case 3: return std::make_unique<WholeDerivatives<3>>(network, words);
        case 4: return std::make_unique<WholeDerivatives<4>>(network, words);
        case 6: return std::make_unique<WholeDerivatives<6>>(network, words);
        default: return std::make_unique<WholeDerivatives<8>>(network, words);
    }
}

}  // namespace puiseux::cells
