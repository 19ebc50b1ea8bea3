// What is made of the numbers of a network in whole numbers (whole_numbers.hpp).
#include "whole_numbers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace puiseux::cells {

std::int64_t WholeNumbers::Values::deepest() const {
    std::int64_t most = 0;
    for (const std::int64_t s : shift) most = std::max(most, s);
    return most;
}

void WholeNumbers::clear_denominators() {
    std::vector<std::int64_t> scales{0};  // by source: its integer form is two to this power times its forms
    for (Stage& stage : stages) {
        std::int64_t scale = stage.bias.deepest();
        for (const Block& block : stage.blocks) scale = std::max(scale, scales[std::size_t(block.source)] + block.weights.deepest());
        scales.push_back(scale);
        if (stage.cleared) continue;  // nothing that follows asks for its factor
        for (std::int64_t& s : stage.bias.shift) s = scale - s;
        for (Block& block : stage.blocks)
            for (std::int64_t& s : block.weights.shift) s = scale - scales[std::size_t(block.source)] - s;
    }
}

namespace {

constexpr std::int64_t PRIME = std::int64_t(MERSENNE);

/// number * 2^shift modulo 2^31 - 1.
Residue residue(const Integer& number, std::int64_t shift) {
    std::uint64_t r = 0;
    if (number.fits_64()) {
        r = std::uint64_t((number.small() % PRIME + PRIME) % PRIME);
    } else {
        const Integer::Limbs magnitude = number.magnitude();
        for (std::size_t l = magnitude.size(); l-- > 0;) r = reduced(4 * r + magnitude[l] % MERSENNE);  // 2^64 is 4
        if (number.sign() < 0 && r) r = MERSENNE - r;
    }
    return reduced(r << shift % 31);  // 2^31 is 1
}

/// number * 2^shift modulo 2^(64 limbs), in two's complement.
void write_words(const Integer& number, std::int64_t shift, std::size_t limbs, Word* to) {
    const auto first = std::size_t(shift / 64);
    const int bits = int(shift % 64);
    if (number.fits_64()) {
        const std::int64_t small = number.small(), sign = small >> 63;
        for (std::size_t l = first; l < limbs; ++l)
            to[l] = l == first ? Word(small) << bits : l == first + 1 && bits ? Word(small >> (64 - bits)) : Word(sign);
        return;
    }
    const Integer::Limbs magnitude = number.magnitude();
    for (std::size_t l = first; l < limbs; ++l) {
        const std::size_t k = l - first;
        const Word low = k < magnitude.size() ? magnitude[k] : 0, below = k > 0 && k - 1 < magnitude.size() ? magnitude[k - 1] : 0;
        to[l] = low << bits | (bits ? below >> (64 - bits) : 0);
    }
    if (number.sign() > 0) return;
    Word carry = 1;
    for (std::size_t l = 0; l < limbs; ++l) to[l] = ~to[l] + carry, carry = carry && to[l] == 0;
}

/// A double that the size of number * 2^shift does not exceed; infinite where that is too large.
double size_of(const Integer& number, std::int64_t shift) {
    constexpr double INFINITE = std::numeric_limits<double>::infinity();
    if (number.is_zero()) return 0;
    const RoundedInteger r = number.rounded();
    if (r.exponent + shift > 1024) return INFINITE;
    const double size = std::abs(r.mantissa);
    return std::ldexp(r.error == 0 ? size : std::nextafter(size, INFINITE), int(r.exponent + shift));
}

Residue residue(const WholeNumbers::Values& v, std::size_t k) {
    return v.with(k, [](const Integer& number, std::int64_t shift) { return residue(number, shift); });
}
void write_words(const WholeNumbers::Values& v, std::size_t k, std::size_t limbs, Word* to) {
    v.with(k, [&](const Integer& number, std::int64_t shift) { write_words(number, shift, limbs, to); });
}
double size_of(const WholeNumbers::Values& v, std::size_t k) {
    return v.with(k, [](const Integer& number, std::int64_t shift) { return size_of(number, shift); });
}

/// What makes up for the roundings of a sum of so many products.
double excess(std::size_t terms) { return 1 + double(terms + 3) * 0x1p-52; }

/// The largest; infinite where one is not a finite number.
double largest(const std::vector<double>& sizes) {
    double most = 0;
    for (const double size : sizes) {
        if (!std::isfinite(size)) return std::numeric_limits<double>::infinity();
        most = std::max(most, size);
    }
    return most;
}

}  // namespace

std::shared_ptr<ResidueNetwork> residues_of(const WholeNumbers& numbers, const std::array<const Residue*, 2>& points, const Residue* mix) {
    auto network = std::make_shared<ResidueNetwork>();
    auto forms = [&](const WholeNumbers::Stage& stage) {
        std::array<std::vector<Residue>, 2> base;
        const auto units = std::size_t(stage.units());
        for (std::size_t j = 0; j < units; ++j) base[0].push_back(residue(stage.bias, j));
        base[1] = base[0];
        for (const auto& block : stage.blocks)
            for (std::size_t k = 0; k < block.row.size() && block.source == 0; ++k) {
                const Residue w = residue(block.weights, k);
                for (std::size_t lane : {0, 1}) {
                    Residue& sum = base[lane][std::size_t(block.row[k])];
                    sum = reduced(sum + w * points[lane][block.column[k]]);
                }
            }
        return base;
    };
    for (std::size_t s = 0; s + 1 < numbers.stages.size(); ++s) {
        const auto& given = numbers.stages[s];
        ResidueNetwork::Stage& stage = network->stages.emplace_back();
        const auto units = std::size_t(given.units());
        stage.units = given.units(), stage.base = forms(given), stage.out.assign(units, 0);
        for (const auto& block : given.blocks) {
            if (block.source == 0) continue;
            const int inputs = numbers.stages[std::size_t(block.source) - 1].units();
            auto& to = stage.blocks.emplace_back(ResidueNetwork::Block{block.source - 1, inputs, {}, {}, {}});
            to.weights.assign(std::size_t(inputs) * units, 0);
            for (std::size_t k = 0; k < block.row.size(); ++k)
                to.weights[std::size_t(block.column[k]) * units + std::size_t(block.row[k])] =
                    std::uint32_t(residue(block.weights, k));
        }
    }
    const auto& outputs = numbers.stages.back();
    for (const auto& block : outputs.blocks) {
        if (block.source == 0) continue;
        ResidueNetwork::Stage& stage = network->stages[std::size_t(block.source) - 1];
        stage.read = true;
        for (std::size_t k = 0; k < block.row.size(); ++k) {
            Residue& sum = stage.out[std::size_t(block.column[k])];
            sum = reduced(sum + residue(block.weights, k) * mix[block.row[k]]);
        }
    }
    const auto base = forms(outputs);
    for (std::size_t lane : {0, 1})
        for (std::size_t k = 0; k < base[lane].size(); ++k) network->constants[lane] = reduced(network->constants[lane] + base[lane][k] * mix[k]);
    network->finish();
    return network;
}

std::shared_ptr<WholeWeights> weights_of(const WholeNumbers& numbers, int limbs, bool maps) {
    auto network = std::make_shared<WholeWeights>();
    const auto length = std::size_t(limbs), inputs = std::size_t(numbers.inputs) + 1;
    network->limbs = limbs;
    if (maps) network->inputs = int(inputs);
    for (const auto& stage : numbers.stages) {
        const int units = stage.units();
        std::vector<Word> constants;
        if (maps) {
            constants.assign(std::size_t(units) * inputs * length, 0);
            for (std::size_t j = 0; j < std::size_t(units); ++j)
                write_words(stage.bias, j, length, &constants[(j * inputs + inputs - 1) * length]);
        }
        network->blocks.emplace_back();
        for (const auto& block : stage.blocks) {
            if (block.source == 0) {
                for (std::size_t k = 0; k < block.row.size() && maps; ++k)
                    write_words(block.weights, k, length,
                                &constants[(std::size_t(block.row[k]) * inputs + std::size_t(block.column[k])) * length]);
                continue;
            }
            auto& to = network->add_block(block.source - 1, units);
            for (std::size_t k = 0; k < block.row.size(); ++k) {
                const auto i = std::size_t(block.column[k]), j = std::size_t(block.row[k]);
                to.readers[i * std::size_t(words_for(units)) + j / 64] |= bit(int(j));
                if (limbs) write_words(block.weights, k, length, &to.weights[(i * std::size_t(units) + j) * length]);
            }
        }
        network->units.push_back(units);
        if (maps) network->constants.push_back(std::move(constants));
    }
    return network;
}

std::vector<int> unread_units(const WholeNumbers& numbers) {
    std::vector<int> found;
    const std::size_t last = numbers.stages.size() - 1;
    if (last == 0) return found;
    std::vector<char> read(std::size_t(numbers.stages[last - 1].units()), false);
    for (const auto& block : numbers.stages[last].blocks)
        for (std::size_t k = 0; k < block.row.size() && std::size_t(block.source) == last; ++k)
            if (size_of(block.weights, k) > 0) read[std::size_t(block.column[k])] = true;
    for (std::size_t j = 0; j < read.size(); ++j)
        if (!read[j]) found.push_back(int(j));
    return found;
}

double derivative_bound(const WholeNumbers& numbers) {
    std::vector<std::vector<double>> flow;
    for (const auto& stage : numbers.stages) flow.emplace_back(std::size_t(stage.units()), 0.0);
    flow.back().assign(flow.back().size(), 1.0);
    std::size_t terms = 0;
    for (std::size_t s = numbers.stages.size(); s-- > 0;) {
        for (double& size : flow[s]) size *= excess(terms);  // whatever reads this stage has been worked in
        for (const auto& block : numbers.stages[s].blocks) {
            if (block.source == 0) continue;
            std::vector<double>& own = flow[std::size_t(block.source) - 1];
            for (std::size_t k = 0; k < block.row.size(); ++k)
                own[std::size_t(block.column[k])] += flow[s][std::size_t(block.row[k])] * size_of(block.weights, k);
            terms += block.row.size();
        }
    }
    double most = 0;
    for (std::size_t s = 0; s + 1 < flow.size(); ++s) most = std::max(most, largest(flow[s]));
    return most;
}

double coefficient_bound(const WholeNumbers& numbers) {
    std::vector<std::vector<double>> sizes;
    for (const auto& stage : numbers.stages) {
        std::vector<double> own;
        std::size_t terms = 0;
        for (std::size_t j = 0; j < std::size_t(stage.units()); ++j) own.push_back(size_of(stage.bias, j));
        for (const auto& block : stage.blocks)
            for (std::size_t k = 0; k < block.row.size() && block.source == 0; ++k) {
                double& most = own[std::size_t(block.row[k])];
                most = std::max(most, size_of(block.weights, k));
            }
        for (const auto& block : stage.blocks) {
            if (block.source == 0) continue;
            for (std::size_t k = 0; k < block.row.size(); ++k)
                own[std::size_t(block.row[k])] +=
                    sizes[std::size_t(block.source) - 1][std::size_t(block.column[k])] * size_of(block.weights, k);
            terms += block.row.size();
        }
        for (double& size : own) size *= excess(terms);
        sizes.push_back(std::move(own));
    }
    return largest(sizes.back());
}

namespace {

/// The least number of limbs that was compiled whose modulus exceeds a bound; 0 where there is none.
int limbs_for(double bound) {
    for (const int limbs : {1, 2, 3, 4, 6, 8})
        if (bound < std::ldexp(1.0, 64 * limbs)) return limbs;
    return 0;
}

}  // namespace

std::shared_ptr<WholeWeights> derivative_weights(const WholeNumbers& numbers) {
    const int limbs = limbs_for(derivative_bound(numbers));
    return limbs ? weights_of(numbers, limbs, false) : nullptr;
}

std::shared_ptr<WholeWeights> map_weights(const WholeNumbers& numbers) {
    const int limbs = limbs_for(2 * coefficient_bound(numbers));
    return limbs ? weights_of(numbers, limbs, true) : nullptr;
}

}  // namespace puiseux::cells
