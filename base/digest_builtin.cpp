// SHA-256 without a library, for the static engine. Source: FIPS 180-4, section 6.2; the fast path uses the SHA
// extensions of x86 (Intel Software Developer's Manual, SHA256RNDS2 and its relatives) where the processor has them.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && !defined(SHA256_PORTABLE)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "base/digest.hpp"

namespace base {
namespace {

constexpr std::size_t block_bytes = 64;
using Words = std::array<std::uint32_t, 8>;

alignas(16) constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t load_big_endian(const unsigned char* from) {
  return (std::uint32_t{from[0]} << 24) | (std::uint32_t{from[1]} << 16) | (std::uint32_t{from[2]} << 8) | from[3];
}

void compress_portably(Words& state, const unsigned char* blocks, std::size_t count) {
  for (; count > 0; --count, blocks += block_bytes) {
    std::array<std::uint32_t, 64> schedule;
    for (std::size_t t = 0; t < 16; ++t) schedule[t] = load_big_endian(blocks + 4 * t);
    for (std::size_t t = 16; t < 64; ++t) {
      const std::uint32_t before = schedule[t - 15], after = schedule[t - 2];
      const std::uint32_t sigma0 = std::rotr(before, 7) ^ std::rotr(before, 18) ^ (before >> 3);
      const std::uint32_t sigma1 = std::rotr(after, 17) ^ std::rotr(after, 19) ^ (after >> 10);
      schedule[t] = schedule[t - 16] + sigma0 + schedule[t - 7] + sigma1;
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t t = 0; t < 64; ++t) {
      const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t first = h + sum1 + ((e & f) ^ (~e & g)) + round_constants[t] + schedule[t];
      const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t second = sum0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + first;
      d = c, c = b, b = a, a = first + second;
    }
    const Words result = {a, b, c, d, e, f, g, h};
    for (std::size_t word = 0; word < state.size(); ++word) state[word] += result[word];
  }
}

#if defined(__x86_64__) && !defined(SHA256_PORTABLE)
bool has_sha_extensions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  const bool has_sse = (c & bit_SSSE3) != 0 && (c & bit_SSE4_1) != 0;
  return has_sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

__attribute__((target("sha,sse4.1,ssse3"))) void compress_with_sha_extensions(Words& state, const unsigned char* blocks,
                                                                              std::size_t count) {
  const auto word = [&](std::size_t index) { return static_cast<int>(state[index]); };
  // The instructions want the eight words as ABEF and CDGH, highest lane first.
  __m128i abef = _mm_set_epi32(word(0), word(1), word(4), word(5));
  __m128i cdgh = _mm_set_epi32(word(2), word(3), word(6), word(7));
  const __m128i swap_bytes = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  for (; count > 0; --count, blocks += block_bytes) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i schedule[4];  // the last sixteen words, four to a register, as a ring
    for (std::size_t group = 0; group < 16; ++group) {
      __m128i& current = schedule[group % 4];
      if (group < 4) {
        const auto* from = reinterpret_cast<const __m128i*>(blocks + 16 * group);
        current = _mm_shuffle_epi8(_mm_loadu_si128(from), swap_bytes);
      } else {
        const __m128i last = schedule[(group + 3) % 4];
        const __m128i seven_back = _mm_alignr_epi8(last, schedule[(group + 2) % 4], 4);
        const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(current, schedule[(group + 1) % 4]), seven_back);
        current = _mm_sha256msg2_epu32(partial, last);
      }
      const auto* constants = reinterpret_cast<const __m128i*>(&round_constants[4 * group]);
      const __m128i sum = _mm_add_epi32(current, _mm_load_si128(constants));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  alignas(16) std::array<std::uint32_t, 4> high, low;
  _mm_store_si128(reinterpret_cast<__m128i*>(high.data()), abef);
  _mm_store_si128(reinterpret_cast<__m128i*>(low.data()), cdgh);
  state = {high[3], high[2], low[3], low[2], high[1], high[0], low[1], low[0]};
}
#endif

void compress(Words& state, const unsigned char* blocks, std::size_t count) {
#if defined(__x86_64__) && !defined(SHA256_PORTABLE)
  static const bool fast = has_sha_extensions();
  if (fast) return compress_with_sha_extensions(state, blocks, count);
#endif
  compress_portably(state, blocks, count);
}

}  // namespace

struct Sha256::State {
  Words words = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::uint64_t total_bytes = 0;
  std::size_t pending_bytes = 0;
  std::array<unsigned char, block_bytes> pending{};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, std::size_t size) {
  State& state = *state_;
  const auto* from = static_cast<const unsigned char*>(bytes);
  state.total_bytes += size;
  if (state.pending_bytes > 0) {
    const std::size_t taken = std::min(size, block_bytes - state.pending_bytes);
    std::copy_n(from, taken, state.pending.begin() + static_cast<std::ptrdiff_t>(state.pending_bytes));
    state.pending_bytes += taken;
    from += taken;
    size -= taken;
    if (state.pending_bytes < block_bytes) return;
    compress(state.words, state.pending.data(), 1);
    state.pending_bytes = 0;
  }
  compress(state.words, from, size / block_bytes);
  from += size / block_bytes * block_bytes;
  state.pending_bytes = size % block_bytes;
  std::copy_n(from, state.pending_bytes, state.pending.begin());
}

Digest Sha256::finish() {
  const std::uint64_t total_bits = state_->total_bytes * 8;
  std::array<unsigned char, block_bytes + 8> padding{0x80};
  // Up to 56 bytes modulo 64, then the length as eight big-endian bytes.
  const std::size_t zeros_end = (state_->pending_bytes < 56 ? 56 : 120) - state_->pending_bytes;
  for (std::size_t index = 0; index < 8; ++index)
    padding[zeros_end + index] = static_cast<unsigned char>(total_bits >> (56 - 8 * index));
  update(padding.data(), zeros_end + 8);
  std::string hex;
  for (const std::uint32_t word : state_->words) {
    const unsigned char bytes[4] = {static_cast<unsigned char>(word >> 24), static_cast<unsigned char>(word >> 16),
                                    static_cast<unsigned char>(word >> 8), static_cast<unsigned char>(word)};
    hex += to_hex(bytes, sizeof bytes);
  }
  return Digest::from_hex(hex);
}

}  // namespace base
