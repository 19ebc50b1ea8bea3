// A calculator over polyhedra/core for the tests: one question a line, one answer a line, numbers in hexadecimal.
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>

#include "elimination.hpp"

using namespace puiseux;

namespace {

using Words = std::vector<std::string>;

Integer number(const std::string& word) { return Integer::of_text(word); }
std::size_t size(const std::string& word) { return std::size_t(number(word).small()); }
std::string shown(std::size_t value) { return std::to_string(value); }
std::string shown(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%a", value);
    return text;
}
std::string shown(const Integers& v) {
    std::string out;
    for (const Integer& x : v) out += (out.empty() ? "" : " ") + x.hexadecimal();
    return out;
}
/// rows, columns, entries
IntegerMatrix matrix(const Words& w) {
    IntegerMatrix m(size(w[0]), size(w[1]));
    for (std::size_t i = 0; i < m.entries.size(); ++i) m.entries[i] = number(w[2 + i]);
    return m;
}

const std::map<std::string, std::function<std::string(const Words&)>> OPERATIONS = {
    {"add", [](const Words& w) { return (number(w[0]) + number(w[1])).hexadecimal(); }},
    {"subtract", [](const Words& w) { return (number(w[0]) - number(w[1])).hexadecimal(); }},
    {"multiply", [](const Words& w) { return (number(w[0]) * number(w[1])).hexadecimal(); }},
    {"add_product", [](const Words& w) { return number(w[0]).add_product(number(w[1]), number(w[2])).hexadecimal(); }},
    {"add_to_itself", [](const Words& w) { Integer a = number(w[0]); a += a; return a.hexadecimal(); }},
    {"subtract_from_itself", [](const Words& w) { Integer a = number(w[0]); a -= a; return a.hexadecimal(); }},
    {"negate", [](const Words& w) { return (-number(w[0])).hexadecimal(); }},
    {"abs", [](const Words& w) { return abs(number(w[0])).hexadecimal(); }},
    {"divide", [](const Words& w) {
        const auto [quotient, rest] = divide(number(w[0]), number(w[1]));
        return quotient.hexadecimal() + " " + rest.hexadecimal();
    }},
    {"exact_quotient", [](const Words& w) { return exact_quotient(number(w[0]), number(w[1])).hexadecimal(); }},
    {"gcd", [](const Words& w) { return gcd(number(w[0]), number(w[1])).hexadecimal(); }},
    {"compare", [](const Words& w) {
        const Integer a = number(w[0]), b = number(w[1]);
        return std::string(a < b ? "-1" : a > b ? "1" : "0") + (a == b ? " equal" : " other");
    }},
    {"sign", [](const Words& w) { return std::to_string(number(w[0]).sign()); }},
    {"left", [](const Words& w) { return (number(w[0]) << size(w[1])).hexadecimal(); }},
    {"right", [](const Words& w) { return (number(w[0]) >> size(w[1])).hexadecimal(); }},
    {"bits", [](const Words& w) { return shown(number(w[0]).bit_length()) + " " + shown(number(w[0]).trailing_zeros()); }},
    {"small", [](const Words& w) { return std::string(number(w[0]).fits_64() ? "True" : "False"); }},
    {"decimal", [](const Words& w) { return number(w[0]).text(); }},
    {"limbs", [](const Words& w) {
        const Integer a = number(w[0]);
        return Integer::of_limbs(a.magnitude(), a.sign() < 0).hexadecimal() + " " + shown(a.magnitude().size());
    }},
    {"to_double", [](const Words& w) {
        const BoundedDouble d = number(w[0]).to_double();
        return shown(d.value) + " " + shown(d.error);
    }},
    {"rounded", [](const Words& w) {
        const RoundedInteger r = number(w[0]).rounded();
        return shown(r.mantissa) + " " + shown(r.error) + " " + std::to_string(r.exponent);
    }},
    {"of_double", [](const Words& w) {
        return Integer::of_double(std::strtod(w[0].c_str(), nullptr), number(w[1]).small()).hexadecimal();
    }},
    {"fraction_bits", [](const Words& w) { return std::to_string(Integer::fraction_bits(std::strtod(w[0].c_str(), nullptr))); }},
    {"rank", [](const Words& w) { return shown(rank(matrix(w))); }},
    {"determinant", [](const Words& w) { return std::to_string(sign_of_determinant(matrix(w))); }},
    {"null_vector", [](const Words& w) {
        const auto v = null_vector(matrix(w));
        return v ? shown(*v) : std::string("none");
    }},
    {"primitive", [](const Words& w) {
        Integers v;
        for (const std::string& word : w) v.push_back(number(word));
        make_primitive(v);
        return shown(v);
    }},
    {"dot", [](const Words& w) {
        IntegerMatrix m = matrix(w);
        return std::to_string(sign_of_dot(m.row(0), m.row(1)));
    }},
};

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        std::string operation;
        in >> operation;
        Words words;
        for (std::string word; in >> word;) words.push_back(word);
        try {
            std::cout << OPERATIONS.at(operation)(words) << '\n';
        } catch (const std::exception& error) {
            std::cout << "error: " << error.what() << '\n';
        }
    }
}
