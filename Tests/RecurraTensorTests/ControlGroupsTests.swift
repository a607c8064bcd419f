import RecurraTensor
import Testing

/// The limits of containers, from the texts that kernels write.
@Suite struct ControlGroupsTests {
  private static func groups(_ files: [String: String]) -> ControlGroups { ControlGroups { files[$0] } }

  private static let unifiedMount =
    "24 30 0:22 / /proc rw - proc proc rw\n31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"

  @Test("In the second version, the smaller ones of a group's own limits and of those around it count")
  func unified() {
    var files = [
      "/proc/self/cgroup": "0::/a.slice/b.service\n", "/proc/self/mountinfo": Self.unifiedMount,
      "/sys/fs/cgroup/a.slice/cpu.max": "150000 100000\n", "/sys/fs/cgroup/a.slice/b.service/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/a.slice/memory.max": "max\n", "/sys/fs/cgroup/a.slice/b.service/memory.max": "1073741824\n",
    ]
    #expect(Self.groups(files).processors == 1.5)
    #expect(Self.groups(files).bytes == 1 << 30)
    files["/sys/fs/cgroup/a.slice/b.service/cpu.max"] = "20000 40000\n"
    files["/sys/fs/cgroup/cpu.max"] = "200000 100000\n"
    files["/sys/fs/cgroup/memory.max"] = "1048576\n"
    #expect(Self.groups(files).processors == 0.5)
    #expect(Self.groups(files).bytes == 1 << 20)
  }

  @Test("In a container of its own name space, the group is the mount's root")
  func container() {
    let files = [
      "/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": Self.unifiedMount,
      "/sys/fs/cgroup/cpu.max": "300000 100000\n", "/sys/fs/cgroup/memory.max": "536870912\n",
    ]
    #expect(Self.groups(files).processors == 3)
    #expect(Self.groups(files).bytes == 512 << 20)
  }

  @Test("In the first version, each controller has its own tree, and a container sees its own group as the root")
  func separate() {
    var files = [
      "/proc/self/cgroup": "5:cpu,cpuacct:/docker/1f\n4:memory:/docker/1f\n1:name=systemd:/docker/1f\n0::/other\n",
      "/proc/self/mountinfo": """
      40 30 0:31 /docker/1f /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
      41 30 0:32 /docker/1f /sys/fs/cgroup/memory ro master:9 - cgroup cgroup rw,memory
      42 30 0:33 /docker/1f /sys/fs/cgroup/systemd ro - cgroup cgroup rw,name=systemd
      """,
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "50000\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
      "/sys/fs/cgroup/systemd/memory.limit_in_bytes": "1\n",
    ]
    #expect(Self.groups(files).processors == 5)
    #expect(Self.groups(files).bytes == 2 << 30)
    files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "-1\n"
    #expect(Self.groups(files).processors == nil)
    // On the machine itself the tree is seen whole.
    files["/proc/self/mountinfo"] = "40 30 0:31 / /cpu rw - cgroup cgroup rw,cpu,cpuacct"
    files["/cpu/docker/1f/cpu.cfs_quota_us"] = "10000"
    #expect(Self.groups(files).processors == 0.1)
  }

  @Test(
    "Nothing, and nothing that makes sense, means no limit",
    arguments: ["", "max", "0 100000", "-5 100000", "100000 0", "1e5 100000", "99999999999999999999 100000"])
  func nonsense(_ text: String) {
    let files = [
      "/proc/self/cgroup": "0::/\n\nx\n", "/proc/self/mountinfo": Self.unifiedMount + "short - cgroup2\n",
      "/sys/fs/cgroup/cpu.max": text, "/sys/fs/cgroup/memory.max": String(text.prefix { $0 != " " }),
    ]
    #expect(Self.groups(files).processors == nil)
    #expect(Self.groups(files).bytes == (text == "100000 0" ? 100_000 : nil))
    #expect(Self.groups([:]) == Self.groups(["/proc/self/cgroup": "0::/x"]))
  }

  @Test("A group that the mount does not show is limited by what it shows")
  func outside() {
    let files = [
      "/proc/self/cgroup": "0::/elsewhere/x\n",
      "/proc/self/mountinfo": "31 24 0:27 /a/b /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
      "/sys/fs/cgroup/cpu.max": "100000 100000", "/sys/fs/cgroup/x/cpu.max": "1000 100000",
    ]
    #expect(Self.groups(files).processors == 1)
  }
}
