#pragma once
// gzip and tar data for tests, by hand, so that they can be wrong in one place.
#include <zlib.h>

#include <cstdio>

#include "support.h"

namespace lacuna::test {

inline Bytes gzip(const Bytes& data) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&z, data.size()));
  z.next_in = const_cast<unsigned char*>(data.data());
  z.avail_in = static_cast<unsigned>(data.size());
  z.next_out = out.data();
  z.avail_out = static_cast<unsigned>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// One entry with its header and padding.
inline Bytes tar_entry(const std::string& path, const Bytes& data, char type = '0') {
  Bytes entry(512);
  char* h = reinterpret_cast<char*>(entry.data());
  std::snprintf(h, 100, "%s", path.c_str());
  std::snprintf(h + 100, 8, "%07o", 0644);
  std::snprintf(h + 124, 12, "%011o", static_cast<unsigned>(data.size()));
  h[156] = type;
  std::memcpy(h + 257, "ustar\00000", 8);
  std::memset(h + 148, ' ', 8);
  std::snprintf(h + 148, 8, "%06o", std::accumulate(entry.begin(), entry.end(), 0u));
  entry.insert(entry.end(), data.begin(), data.end());
  entry.resize((entry.size() + 511) / 512 * 512);
  return entry;
}

inline Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& p : parts) all.insert(all.end(), p.begin(), p.end());
  return all;
}

inline const Bytes kTarEnd(1024);

/// An idx file: 00 00 08 ndim, sizes, values.
inline Bytes idx_file(const std::vector<std::uint32_t>& shape, const Bytes& values) {
  Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(shape.size())};
  for (std::uint32_t s : shape)
    for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(s >> shift));
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

}  // namespace lacuna::test
