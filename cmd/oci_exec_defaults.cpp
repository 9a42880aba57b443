#include "cmd/oci_exec_defaults.hpp"

#include <cstring>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "cmd/oci_bundle.hpp"
#include "engine/oci_id_maps.hpp"

namespace cmd {
namespace {

constexpr const char* defaults_file = "exec";

/// To be raised whenever the file means something else; one of another version is as good as none.
constexpr std::uint32_t defaults_version = 1;

/// The file: this, the filter's instructions, and the rest as config.json has it.
struct Header {
  std::uint32_t version, flags, instructions;
};

constexpr std::size_t max_file_bytes = sizeof(Header) + BPF_MAXINSNS * sizeof(sock_filter) + runtime::max_spec_bytes;

std::string encode(const runtime::Spec& exec_part, const runtime::SeccompFilter& seccomp) {
  const Header header{defaults_version, seccomp.flags, static_cast<std::uint32_t>(seccomp.program.size())};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(seccomp.program.data()), seccomp.program.size() * sizeof(sock_filter));
  return bytes + runtime::write_spec(exec_part);
}

std::optional<ExecDefaults> decode(std::string_view bytes, const std::string& id) {
  Header header{};
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  if (header.version != defaults_version || header.instructions > bytes.size() / sizeof(sock_filter))
    return std::nullopt;
  ExecDefaults defaults;
  defaults.seccomp.flags = header.flags;
  defaults.seccomp.program.resize(header.instructions);
  const std::size_t program_bytes = header.instructions * sizeof(sock_filter);
  if (program_bytes != 0) std::memcpy(defaults.seccomp.program.data(), bytes.data(), program_bytes);
  defaults.spec = runtime::parse_spec(bytes.substr(program_bytes),
                                      base::concat("file ", base::quoted(defaults_file), " of ", base::quoted(id)));
  return defaults;
}

ExecDefaults read_config(const OciContainer& container) {
  ExecDefaults defaults{.spec = read_oci_spec(container), .seccomp = {}};
  const std::string& seccomp = defaults.spec.linux.seccomp_json;
  if (seccomp.empty()) return defaults;
  const base::UniqueFd cache = engine::oci_seccomp_cache();
  defaults.seccomp = runtime::compile_seccomp(seccomp, cache.get());
  return defaults;
}

}  // namespace

runtime::Spec exec_part(const runtime::Spec& spec) {
  runtime::Spec part;
  part.process = spec.process;
  part.has_process = spec.has_process;
  // A user namespace is looked up by exec in any case, and means nothing here without its mappings.
  for (const runtime::Namespace& entry : spec.linux.namespaces)
    if (entry.type != "user") part.linux.namespaces.push_back(entry);
  part.linux.personality = spec.linux.personality;
  part.linux.memory_policy = spec.linux.memory_policy;
  return part;
}

void save_exec_defaults(int dir, const runtime::Spec& exec_part, const runtime::SeccompFilter& seccomp) {
  if (!seccomp.listener_path.empty()) return;
  try {
    const std::string bytes = encode(exec_part, seccomp);
    if (bytes.size() <= max_file_bytes)
      base::write_file_atomically(dir, defaults_file, bytes, base::Durability::volatile_);
  } catch (const base::Error& error) {  // the container runs, and config.json is there
    base::log(base::LogLevel::debug, error.message());
  }
}

ExecDefaults read_exec_defaults(const OciContainer& container) {
  if (const auto bytes = base::try_read_file(container.dir.get(), defaults_file, max_file_bytes))
    if (auto defaults = decode(*bytes, container.state.id)) return std::move(*defaults);
  return read_config(container);
}

}  // namespace cmd
