#include <cstring>
#include <doctest/doctest.h>
#include <elf.h>
#include <fstream>

#include "base/fs.hpp"
#include "engine/program_loader.hpp"

namespace {

/// A program of one header that names this loader, with its zero.
void write_program(const std::string& path, const std::string& loader, unsigned char file_class = ELFCLASS64) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = file_class;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr part{};
  part.p_type = PT_INTERP;
  part.p_offset = sizeof(header) + sizeof(part);
  part.p_filesz = loader.size() + 1;
  std::ofstream file{path, std::ios::binary};
  file.write(reinterpret_cast<const char*>(&header), sizeof(header));
  file.write(reinterpret_cast<const char*>(&part), sizeof(part));
  file.write(loader.c_str(), static_cast<std::streamsize>(loader.size() + 1));
}

}  // namespace

TEST_CASE("a loader that is not there is named, and one that is there is not") {
  const base::TempDir folder;
  const std::string program = folder.path() + "/program", here = folder.path() + "/loader";
  std::ofstream{here} << "x";
  write_program(program, "/nowhere/ld.so");
  CHECK(engine::missing_library(program) == "/nowhere/ld.so");
  write_program(program, here);
  CHECK_FALSE(engine::missing_library(program).has_value());
}

TEST_CASE("what is no program of shared libraries misses no loader") {
  const base::TempDir folder;
  const std::string program = folder.path() + "/program";
  CHECK_FALSE(engine::missing_library(program).has_value());
  for (const std::string& text : {std::string{}, std::string{"#!/bin/sh\n"}, std::string{"\177ELF"}}) {
    std::ofstream{program} << text;
    CHECK_FALSE(engine::missing_library(program).has_value());
  }
  write_program(program, "/nowhere/ld.so", ELFCLASS32);
  CHECK_FALSE(engine::missing_library(program).has_value());
  write_program(program, "/" + std::string(5000, 'x'));
  CHECK_FALSE(engine::missing_library(program).has_value());
  CHECK_FALSE(engine::missing_library("/proc/self/nowhere").has_value());
}

TEST_CASE("a program that runs misses no library") {
  CHECK_FALSE(engine::missing_library("/proc/self/exe").has_value());
  CHECK_FALSE(engine::missing_library("/bin/ls").has_value());
}
