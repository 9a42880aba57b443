#include <doctest/doctest.h>
#include <vector>

#include "cmd/each.hpp"
#include "cmd/exit_code.hpp"
#include "cmd/output.hpp"

using base::ErrorKind;

TEST_CASE("our own failures are 125, a command's are 126 and 127, an interrupt 130") {
  for (const ErrorKind kind : {ErrorKind::invalid_argument, ErrorKind::not_found, ErrorKind::already_exists,
                               ErrorKind::in_use, ErrorKind::permission, ErrorKind::unsupported, ErrorKind::corrupt,
                               ErrorKind::network, ErrorKind::no_space, ErrorKind::internal}) {
    CHECK(cmd::exit_code_of(kind) == 125);
  }
  CHECK(cmd::exit_code_of(ErrorKind::command_not_usable) == 126);
  CHECK(cmd::exit_code_of(ErrorKind::command_not_found) == 127);
  CHECK(cmd::exit_code_of(ErrorKind::interrupted) == 130);
}

TEST_CASE("removing tells missing and used apart") {
  CHECK(cmd::removal_exit_code_of(ErrorKind::not_found) == 1);
  CHECK(cmd::removal_exit_code_of(ErrorKind::in_use) == 2);
  CHECK(cmd::removal_exit_code_of(ErrorKind::permission) == 125);
}

TEST_CASE("only a closed standard output is not worth a message") {
  CHECK(cmd::is_closed_pipe(base::Error{ErrorKind::interrupted, "x"}.with_code(EPIPE)));
  CHECK_FALSE(cmd::is_closed_pipe(base::Error{ErrorKind::network, "x"}.with_code(EPIPE)));
  CHECK_FALSE(cmd::is_closed_pipe(base::Error{ErrorKind::interrupted, "x"}));
}

TEST_CASE("a failing name does not keep the others from their turn, and the worst code counts") {
  std::vector<std::string> seen;
  const auto act = [&seen](const std::string& name) {
    seen.push_back(name);
    if (name == "missing") throw base::Error{ErrorKind::not_found, "test: no such container"};
    if (name == "used") throw base::Error{ErrorKind::in_use, "test: container is running"};
  };
  CHECK(cmd::for_each_name({"missing", "used", "web"}, act, cmd::removal_exit_code_of) == 2);
  CHECK(seen == std::vector<std::string>{"missing", "used", "web"});
  CHECK(cmd::for_each_name({"missing"}, act, cmd::removal_exit_code_of) == 1);
  CHECK(cmd::for_each_name({"web"}, act) == 0);
}

TEST_CASE("an interrupt ends the round") {
  int turns = 0;
  const auto act = [&turns](const std::string&) {
    ++turns;
    throw base::Error{ErrorKind::interrupted, "interrupted"};
  };
  CHECK_THROWS_AS(cmd::for_each_name({"a", "b"}, act), base::Error);
  CHECK(turns == 1);
}
