"""Memory limits of units and of the containers in them, where the memory controller is ours."""

from host_test import wait_until
from units_test import QUADLETS, UnitsTest

# dd keeps its buffer, of which it reads and writes one.
EATER = "sh -c 'while test ! -e /eat; do sleep 0.1; done; exec dd if=/dev/zero of=/dev/null bs=96M count=1'"


class UnitLimitsTest(UnitsTest):
    def start(self, name, lines, service):
        self.need("memory")
        self.write(QUADLETS, f"{name}.container", f"[Container]\nRootfs={self.rootfs}\nNetwork=none\n{lines}\nExec={EATER}\n"
                                                  f"[Service]\n{service}\n")
        self.systemctl("daemon-reload")
        self.start_units(f"{name}.service")

    def assert_killed_for_memory(self, name):
        (self.rootfs / "eat").touch()
        self.wait_for_state(f"{name}.service", "failed")
        wait_until(lambda: self.show(f"{name}.service", "Result") in ("oom-kill", "exit-code", "signal"), "its result", 60)
        self.assert_gone(f"systemd-{name}")

    def test_a_quadlet_with_a_limit_of_its_own(self):
        self.start("l-own", "PodmanArgs=--memory 48m --memory-swap 48m", "")
        self.assertEqual(self.engine("inspect", "--format", "{{.HostConfig.Memory}}", "systemd-l-own").stdout, f"{48 << 20}\n")
        self.assert_killed_for_memory("l-own")

    def test_a_quadlet_in_a_unit_with_a_limit(self):
        self.start("l-unit", "", "MemoryMax=48M\nMemorySwapMax=0")
        self.assertEqual(self.show("l-unit.service", "MemoryMax"), str(48 << 20))
        self.assert_killed_for_memory("l-unit")

    def test_a_limit_that_is_kept_does_no_harm(self):
        self.start("l-room", "PodmanArgs=--memory 400m", "")
        (self.rootfs / "eat").touch()
        self.wait_for_state("l-room.service", "inactive")
        self.assertEqual(self.show("l-room.service", "Result"), "success")
