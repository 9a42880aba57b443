#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/host_checks.hpp"

namespace engine {

HostView view_of_host(Engine& engine);

struct Diagnosis {
  std::string id;
  std::string title;
  CheckResult result;
};
struct DoctorOptions {
  bool fix = false;       ///< Does what needs no root.
  std::string container;  ///< What is said of it comes instead; empty: of the host.
};
struct DoctorReport {
  std::vector<Diagnosis> findings;     ///< Of every check, the good ones too.
  std::vector<std::string> fixed;      ///< Ids of checks whose script was run, and that are good now.
  std::vector<std::string> not_fixed;  ///< "id: why"
  std::string root_script;             ///< What root has to do; empty: nothing.
  bool has_problem() const;
};

/// Never changes anything without `fix`. @throws Error not_found for the container.
DoctorReport examine(Engine& engine, const DoctorOptions& options);

/// Pure: one script of all that needs root, in the order of the findings.
std::string root_script_of(const std::vector<Diagnosis>& findings);

}  // namespace engine
