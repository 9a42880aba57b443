// Runs at build time: writes the embedded default filters (seccomp_embedded.hpp) to the file named by its argument.

#include <array>
#include <cstdio>
#include <fstream>
#include <linux/capability.h>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/seccomp_emit.hpp"
#include "runtime/seccomp_rules.hpp"

namespace {

constexpr std::uint64_t bit(unsigned capability) {
  return std::uint64_t{1} << capability;
}

/// --cap-drop all; podman's eleven; docker's fourteen; podman's with a debugger; podman's with CAP_SYS_ADMIN.
constexpr std::array<std::uint64_t, 5> usual_sets = {
    0,
    bit(CAP_SYS_CHROOT),
    bit(CAP_SYS_CHROOT) | bit(CAP_AUDIT_WRITE),
    bit(CAP_SYS_CHROOT) | bit(CAP_SYS_PTRACE),
    bit(CAP_SYS_CHROOT) | bit(CAP_SYS_ADMIN),
};

std::string array_text(std::size_t index, const std::vector<sock_filter>& program) {
  std::string text = base::concat("const sock_filter program_", index, "[] = {");
  for (const sock_filter& instruction : program)
    text += base::concat('{', instruction.code, ',', unsigned{instruction.jt}, ',', unsigned{instruction.jf}, ',',
                         instruction.k, "u},");
  return text + "};\n";
}

/// String literals have a limit (64 KiB) only in other compilers; long lines are fine in all.
std::string entry_text(std::size_t index, std::uint64_t capabilities, const std::string& json) {
  return base::concat("    {", capabilities, "u, R\"json(", json, ")json\", program_", index, ", std::size(program_",
                      index, ")},\n");
}

std::string source_text() {
  std::string arrays, entries;
  for (std::size_t index = 0; index < usual_sets.size(); ++index) {
    const runtime::SeccompProfile profile = runtime::default_seccomp_profile(usual_sets[index]);
    arrays += array_text(index, runtime::emit_seccomp(profile));
    entries += entry_text(index, usual_sets[index], runtime::write_seccomp(profile));
  }
  return base::concat(
      "#include <iterator>\n\n#include \"runtime/seccomp_embedded.hpp\"\n\nnamespace runtime {\nnamespace {\n", arrays,
      "}  // namespace\n\nconst EmbeddedSeccomp embedded_seccomp[] = {\n", entries,
      "};\nconst std::size_t embedded_seccomp_count = std::size(embedded_seccomp);\n}  // namespace runtime\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    std::ofstream file{argv[1], std::ios::binary};
    file << source_text() << std::flush;
    return file.good() ? 0 : 1;
  } catch (const base::Error& error) {
    std::fprintf(stderr, "seccomp_generate: %s\n", error.what());
    return 1;
  }
}
