#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "runtime/container.hpp"

/// A bundle with a busybox root file system and a spec for an ordinary user: one id mapped, no network.
class SampleContainer {
 public:
  SampleContainer();

  struct Result {
    int code = -1;
    std::string output;  ///< stdout and stderr.
  };
  /// Runs `sh -c script` to its end. @throws Error as create and wait_for_exec.
  Result run(const std::string& script);
  /// Starts without waiting for its end; its streams are ours.
  runtime::CreatedInit start(const std::vector<std::string>& words);
  /// As far as create() goes: the last stage waits for a byte from `start_fd`.
  runtime::CreatedInit create(int start_fd);
  /// A further process in `init`.
  Result exec(const runtime::CreatedInit& init, const std::vector<std::string>& words);

  /// Folder that becomes "/".
  int root() const noexcept { return root_.get(); }
  std::string root_path() const { return bundle_.path() + "/rootfs"; }
  const std::string& path() const noexcept { return bundle_.path(); }
  void write_file(const std::string& name, const std::string& text, mode_t mode = 0644);

  runtime::Spec spec;
  std::function<void(runtime::CreateRequest&)> adjust;
  std::function<void(runtime::ExecRequest&)> adjust_exec;

 private:
  base::TempDir bundle_;
  base::UniqueFd root_;
};

/// Why containers cannot be tested here; empty when they can.
const std::string& why_no_containers();
