#include "engine/fetch.hpp"

#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"

namespace engine {

bool is_url(const std::string& place) {
  return place.find("://") != std::string::npos;
}

std::string fetch_file(const Engine& engine, const std::string& url) {
  base::Pipe output = base::make_pipe();
  base::Command command{.path = own_program("engine-transfer"), .argv = {"engine"}, .null_stdin = true};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.insert(command.argv.end(), {"_fetch", "--", url});
  command.fds = {{output.write_end.get(), STDOUT_FILENO}};
  command.die_with_parent = true;
  base::Child child = base::spawn(command);
  output.write_end.reset();
  std::string bytes = base::read_to_end(output.read_end.get(), max_fetched_bytes);
  const base::ExitStatus status = child.wait();
  if (status.code != 0)
    throw base::Error{status.code == 130 ? base::ErrorKind::interrupted : base::ErrorKind::network, ""};
  return bytes;
}

}  // namespace engine
