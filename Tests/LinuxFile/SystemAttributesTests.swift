import Glibc
import STTSample
import Testing

@testable import LinuxFile

@Suite struct SystemAttributesTests {
  let directory = TemporaryDirectory()

  @Test func aFakeTreeGivesItsGroups() throws {
    directory.write("proc/loadavg", "0.21 0.24 0.58 1/92 24622\n")
    directory.write("proc/meminfo", "MemTotal:  100 kB\nMemFree:  60 kB\n")
    directory.write("proc/stat", "cpu  100 0 50 1000 0 0 0 0 0 0\ncpu0 1 2 3\nctxt 12\nprocs_running 2\n")
    directory.write(
      "proc/net/dev",
      "Inter-| Receive | Transmit\n face |bytes packets\n    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  eth0:5 6 7 8 0 0 0 0 9 10 11 12 0 0 0 0\n"
    )
    directory.write("sys/class/hwmon/hwmon10/name", "nvme\n")
    directory.write("sys/class/hwmon/hwmon10/temp1_input", "30000\n")
    directory.write("sys/class/hwmon/hwmon2/name", "nvme\n")
    directory.write("sys/class/hwmon/hwmon2/temp1_input", "31850\n")
    directory.write("sys/class/hwmon/hwmon2/temp1_label", "Composite\n")
    directory.write("sys/class/hwmon/hwmon2/temp2_input", "33850\n")
    directory.write("sys/class/hwmon/hwmon2/in0_input", "3300\n")
    directory.write("sys/class/hwmon/hwmon2/power1_average", "1500000\n")
    directory.write("sys/class/hwmon/hwmon3/name", "empty\n")
    directory.write("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    directory.write("sys/class/thermal/thermal_zone0/temp", "48312\n")
    let groups = SystemAttributes.discover(root: directory.path)
    #expect(
      groups.map(\.name) == [
        "load", "memory", "cpu", "network.lo", "network.eth0", "hwmon.nvme", "hwmon.nvme_2", "thermal",
      ])
    #expect(
      groups[1].attributes.map(\.field) == [Field("total", .uint64, unit: "By"), Field("free", .uint64, unit: "By")])
    #expect(groups[4].messageName == "network_eth0")
    #expect(
      groups[5].attributes.map(\.field) == [
        Field("composite", .double, unit: "Cel"), Field("temp2", .double, unit: "Cel"),
        Field("in0", .double, unit: "V"),
        Field("power1", .double, unit: "W"),
      ])
    #expect(groups[7].attributes.map(\.field) == [Field("cpu_thermal", .double, unit: "Cel")])

    // All of eth0: rx bytes, packets, errors, drops, tx the same.
    let source = try PolledFileSource(
      StreamDescription(name: "n", schema: .opaque), messageName: "n", groups[4].attributes, hertz: 1)
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    #expect(
      collector.messages.map(\.payload) == [
        [0x08, 5, 0x10, 6, 0x18, 7, 0x20, 8, 0x28, 9, 0x30, 10, 0x38, 11, 0x40, 12]
      ])
  }

  @Test func anEmptyTreeGivesNothing() {
    #expect(SystemAttributes.discover(root: directory.path).isEmpty)
    #expect(SystemAttributes.discover(root: directory.path + "/none/").isEmpty)
  }

  @Test func everyGroupOfThisMachineGivesAMessageWithItsSchema() throws {
    try #require(access("/proc/loadavg", R_OK) == 0, "no /proc here")
    let groups = SystemAttributes.discover()
    #expect(groups.contains { $0.kind == .load })
    #expect(groups.contains { $0.kind == .memory })
    #expect(groups.contains { $0.kind == .cpu })
    #expect(Set(groups.map(\.name)).count == groups.count)
    for group in groups {
      #expect(Set(group.attributes.map(\.field.name)).count == group.attributes.count)
      let source = try PolledFileSource(
        StreamDescription(name: group.name, schema: .opaque), messageName: group.messageName, group.attributes,
        hertz: 100)
      var collector = Collector()
      source.run(&collector, turns: 3)
      #expect(collector.messages.count == 3, "\(group.name): \(collector.events)")
    }
  }

  @Test(arguments: [
    ("cpu-thermal", "cpu_thermal"), ("Core 0", "core_0"), ("+3.3V", "x_3_3v"), ("", "x"), ("2nd", "x2nd"),
    ("µ", "x"), ("__", "x"),
  ])
  func namesBecomeIdentifiers(text: String, name: String) { #expect(identifier(text) == name) }

  @Test func disksSuppliesAndThermometersAreFoundWithTheirUnits() {
    directory.write("sys/block/mmcblk0/stat", "  10  0  8  0  20  0  16  0  1  2500  0\n")
    directory.write("sys/block/loop0/stat", "0 0 0 0 0 0 0 0 0 0 0\n")
    directory.write("sys/class/power_supply/BAT0/voltage_now", "12100000\n")
    directory.write("sys/class/power_supply/BAT0/status", "Charging\n")
    directory.write("sys/bus/w1/devices/28-0316a2/temperature", "23125\n")
    directory.write("sys/bus/w1/devices/w1_bus_master1/name", "w1\n")
    let groups = SystemAttributes.discover(root: directory.path)
    #expect(groups.map(\.name) == ["disk.mmcblk0", "power.BAT0", "onewire"])
    #expect(
      groups.map { $0.attributes.map { "\($0.field.name) \($0.field.unit)" } } == [
        ["reads 1", "read_bytes By", "writes 1", "written_bytes By", "in_flight 1", "busy s"], ["status ", "voltage V"],
        ["t_28_0316a2 Cel"],
      ])
  }
}
