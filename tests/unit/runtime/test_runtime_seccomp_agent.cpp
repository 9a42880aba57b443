#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "runtime/seccomp_agent.hpp"
#include "tests/unit/runtime/seccomp_questions.hpp"
#include "tests/unit/runtime/stub_runner.hpp"

namespace runtime {
namespace {

constexpr int child_agent_fd = 64;

std::string profile(const std::string& call, const std::string& more = R"(,"listenerPath":"/run/agent")") {
  return R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[")" + call + R"("],"action":"SCMP_ACT_NOTIFY"}])" +
         more + "}";
}

/// A listening socket in `folder`.
base::UniqueFd listen_at(const std::string& path) {
  base::UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  return socket;
}

struct Told {
  std::string state;
  base::UniqueFd listener;
};

/// All that is sent over one connection; descriptors may only come with the first part.
Told receive(int connection) {
  Told told;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  char bytes[100];
  while (true) {
    iovec vector{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    if (size <= 0) return told;
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
      CHECK(told.state.empty());
      CHECK(header->cmsg_type == SCM_RIGHTS);
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      told.listener = base::UniqueFd{fd};
    }
    told.state.append(bytes, static_cast<std::size_t>(size));
  }
}

}  // namespace

TEST_CASE(
    "a filter that notifies is refused without an agent, as the default, and for the calls that reach the agent") {
  for (const std::string& json : {profile("mkdir", ""), profile("write"), profile("sendmsg"),
                                  std::string{R"({"defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/run/agent"})"}}) {
    CAPTURE(json);
    CHECK_THROWS_AS(compile(json), base::Error);
  }
  StagePlan plan = harmless_plan({"true"});
  plan.seccomp = compile(profile("mkdir"));
  plan.seccomp_flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  CHECK_THROWS_AS(encode_stage_plan(plan), base::Error);
}

TEST_CASE("nobody is connected to unless the filter notifies") {
  const SeccompFilter quiet =
      compile_seccomp(R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/no/such/agent"})", -1);
  CHECK_FALSE(connect_seccomp_agent(quiet));
  CHECK_THROWS_WITH_AS(connect_seccomp_agent(compile_seccomp(profile("mkdir", R"(,"listenerPath":"/no/agent")"), -1)),
                       "connecting to the seccomp agent at \"/no/agent\": No such file or directory", base::Error);
  const std::string path = "/" + std::string(200, 'x');
  CHECK_THROWS_AS(connect_seccomp_agent(compile_seccomp(profile("mkdir", R"(,"listenerPath":")" + path + "\""), -1)),
                  base::Error);
}

TEST_CASE("the agent gets the state and the listener, and decides") {
  const base::TempDir folder;
  const std::string path = folder.path() + "/agent";
  const base::UniqueFd server = listen_at(path);
  const SeccompFilter filter = compile_seccomp(
      profile("uname", base::concat(R"(,"listenerMetadata":"some \"data\"","listenerPath":")", path, "\"")), -1);
  base::UniqueFd agent = connect_seccomp_agent(filter);
  base::UniqueFd connection{::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  REQUIRE(connection);

  const std::string id(200000, 'i');  // more than fits into one packet
  StagePlan plan = harmless_plan({"sh", "-c", "uname; exit $?"});
  plan.seccomp = filter.program;
  plan.seccomp_flags = filter.flags;
  plan.seccomp_agent_fd = child_agent_fd;
  plan.seccomp_state = seccomp_process_state(filter, base::concat(R"({"id":")", id, R"("})"));
  plan.seccomp_pid = 4711;
  base::Pipe report = base::make_pipe();
  const base::UniqueFd nowhere{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  base::Child child = start_stage_with_bytes(
      encode_stage_plan(plan),
      {{report.write_end.get(), child_report_fd}, {agent.get(), child_agent_fd}, {nowhere.get(), 2}});
  report.write_end.reset();
  agent.reset();

  const Told told = receive(connection.get());  // up to the end of the connection: it is used once
  const base::JsonAt state = base::JsonAt::parse(told.state, "state");
  CHECK(state.at("ociVersion").string().starts_with("1."));
  CHECK(state.at("fds").strings() == std::vector<std::string>{"seccompFd"});
  CHECK(state.at("pid").unsigned_integer() == 4711);
  CHECK(state.at("metadata").string() == "some \"data\"");
  CHECK(state.at("state").at("id").string() == id);
  CHECK(base::read_to_end(report.read_end.get(), 100).empty());  // the program runs

  REQUIRE(told.listener);
  seccomp_notif request{};
  REQUIRE(::ioctl(told.listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) == 0);
  CHECK(request.data.nr == SYS_uname);
  seccomp_notif_resp response{};
  response.id = request.id;
  response.error = -EXDEV;
  REQUIRE(::ioctl(told.listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) == 0);
  CHECK(child.wait().code == 1);  // uname(1): "cannot get system name: Invalid cross-device link"
}

TEST_CASE("an agent that has gone is a failure of its own step") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const base::UniqueFd ours{pair[0]};
  base::UniqueFd theirs{pair[1]};
  theirs.reset();
  StagePlan plan = harmless_plan({"true"});
  plan.seccomp = compile(profile("mkdir"));
  plan.seccomp_flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  plan.seccomp_agent_fd = child_agent_fd;
  plan.seccomp_state = "{}";
  const StageResult result = run_stage(plan, {{ours.get(), child_agent_fd}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_AGENT);
  CHECK(result.report->code == EPIPE);
}

}  // namespace runtime
