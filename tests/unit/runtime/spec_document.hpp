#pragma once

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/spec.hpp"

// A small valid config.json, into which the tables below put one line each.
inline std::string config(std::string_view process, std::string_view rest) {
  return base::concat(R"({"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":["sh"],"cwd":"/")", process,
                      "}", rest, "}");
}

inline std::string linux_part(std::string_view text) {
  return config("", base::concat(R"(,"linux":{)", text, "}"));
}

inline std::string problem_of(const std::string& json) {
  try {
    runtime::parse_spec(json, "config");
  } catch (const base::Error& error) {
    return error.message();
  }
  return "";
}

struct Invalid {
  std::string json;
  std::string_view named;  // what the message has to name
};

inline void check_all_refused(const std::vector<Invalid>& table) {
  for (const Invalid& row : table) {
    CAPTURE(row.json);
    const std::string problem = problem_of(row.json);
    CHECK_MESSAGE(!problem.empty(), "was accepted");
    CHECK_MESSAGE(problem.find(row.named) != std::string::npos, problem);
    CHECK(problem.find('\n') == std::string::npos);
  }
}
