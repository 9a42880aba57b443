#include "engine/names.hpp"

#include <array>
#include <cstdint>
#include <sys/random.h>

#include "base/error.hpp"

namespace engine {

namespace {

constexpr std::array adjectives{
    "able",   "amber",  "brave",  "brisk",  "calm",    "candid", "clever", "cosy",    "crisp",  "daring",
    "deft",   "eager",  "early",  "fair",   "fond",    "frank",  "gentle", "glad",    "golden", "grand",
    "hardy",  "honest", "humble", "jolly",  "keen",    "kind",   "lively", "lucid",   "merry",  "mild",
    "modest", "neat",   "nimble", "noble",  "patient", "plain",  "polite", "prompt",  "proud",  "quick",
    "quiet",  "ready",  "sage",   "serene", "sharp",   "sober",  "solid",  "steady",  "sturdy", "sunny",
    "swift",  "tidy",   "trusty", "vivid",  "warm",    "wise",   "witty",  "zealous",
};

constexpr std::array surnames{
    "abel",     "ampere",  "banach",   "bernoulli", "bohr",     "boole",    "brahe",     "cantor",       "carson",
    "cauchy",   "curie",   "darwin",   "dijkstra",  "dirac",    "einstein", "engelbart", "euler",        "faraday",
    "fermat",   "fermi",   "feynman",  "franklin",  "galileo",  "galois",   "gauss",     "germain",      "goedel",
    "hamilton", "hilbert", "hopper",   "hypatia",   "jacquard", "kepler",   "knuth",     "kovalevskaya", "lamport",
    "laplace",  "leibniz", "lovelace", "maxwell",   "meitner",  "mendel",   "newton",    "noether",      "pascal",
    "pasteur",  "planck",  "poincare", "ramanujan", "ritchie",  "shannon",  "tesla",     "thompson",     "torvalds",
    "turing",   "volta",   "wiles",    "zuse",
};

}  // namespace

std::string random_container_name(unsigned attempt) {
  constexpr unsigned plain_attempts = 3, numbers = 1'000'000;
  std::uint32_t random[3] = {};
  if (::getrandom(random, sizeof random, 0) != sizeof random) throw base::os_error("reading random bytes");
  std::string name =
      base::concat(adjectives[random[0] % adjectives.size()], "_", surnames[random[1] % surnames.size()]);
  if (attempt >= plain_attempts) name += base::concat("_", random[2] % numbers);
  return name;
}

void check_container_name(std::string_view name) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  bool good = !name.empty() && name.size() <= 200 && is_alphanumeric(name.front());
  for (const char c : name) good = good && (is_alphanumeric(c) || c == '_' || c == '.' || c == '-');
  if (!good)
    throw base::make_error(base::ErrorKind::invalid_argument, "container name ", base::quoted(name), " is not valid")
        .with_hint("names match [a-zA-Z0-9][a-zA-Z0-9_.-]* and have at most 200 characters");
}

}  // namespace engine
