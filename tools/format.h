#pragma once
// Figures as people read them.
#include <cstdint>
#include <string>

namespace lacuna::tools {

/// "1,234,567"
std::string grouped(std::int64_t n);
/// "4.2 s", "3 min 20 s", "2 h 05 min"
std::string duration(double seconds);
/// Four significant digits: "0.1411", "2.35e-05"; "-" for what is not a number.
std::string figure(double value);
/// "512 B", "12.3 MB" (powers of 1000)
std::string bytes(double n);

/// "0.0312", and "3.1e-05" where four digits behind the point would hide it.
std::string probability(double p);

}  // namespace lacuna::tools
