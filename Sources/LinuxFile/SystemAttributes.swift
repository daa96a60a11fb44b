import Glibc
internal import STTSample

/// What this machine measures of itself, found by looking: attributes ready for a
/// ``PolledFileSource``.
public enum SystemAttributes {
  /// One sample's worth of attributes.
  public struct Group: Hashable, Sendable {
    /// What kind of group it is.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
      case load, memory, cpu, network, disk, hwmon, thermal, power, onewire
    }

    public var kind: Kind
    /// Unique among the groups and the same after a restart: `load`, `network.eth0`, `hwmon.nvme`.
    public var name: String
    public var attributes: [Attribute]
    /// Where a chip sits, the same after it was gone: of two alike, the one that comes back first gets the first name.
    public var device: String? = nil

    /// The name as a protobuf identifier.
    public var messageName: String { identifier(name) }
  }

  /// Looks into `/proc` and `/sys` below `root`. What is not there is left out; nothing fails.
  ///
  /// - Parameter root: another directory than `/` looks at a copy of those trees.
  public static func discover(root: String = "/") -> [Group] {
    let prefix = root.hasSuffix("/") ? String(root.dropLast()) : root
    return [load(prefix), memory(prefix), cpu(prefix)].compactMap { $0 } + network(prefix) + disks(prefix) + hwmon(prefix)
      + [thermal(prefix)].compactMap { $0 } + powerSupplies(prefix) + oneWire(prefix)
  }

  /// Where `group` is now.
  public static func find(_ group: Group) -> [Attribute]? {
    let groups = discover()
    let same = groups.first { $0.device != nil && $0.device == group.device } ?? groups.first { $0.name == group.name }
    return same?.attributes
  }

  private static func load(_ root: String) -> Group? {
    let path = root + "/proc/loadavg"
    guard smallText(path) != nil else { return nil }
    let attributes = ["load1", "load5", "load15"].enumerated().map { index, name in
      Attribute(path, Field(name, .double, unit: "1"), column: index + 1)
    }
    return Group(kind: .load, name: "load", attributes: attributes)
  }

  private static func memory(_ root: String) -> Group? {
    let path = root + "/proc/meminfo"
    let keys = [
      ("MemTotal", "total"), ("MemFree", "free"), ("MemAvailable", "available"), ("Buffers", "buffers"),
      ("Cached", "cached"), ("SwapTotal", "swap_total"), ("SwapFree", "swap_free"), ("Dirty", "dirty"),
    ]
    return group(.memory, "memory", path, keys) { key, name in
      // The kernel writes kB and means 1024 bytes.
      Attribute(path, Field(name, .uint64, unit: "By"), line: key, scale: 1024)
    }
  }

  private static func cpu(_ root: String) -> Group? {
    let path = root + "/proc/stat"
    let second = Double(max(1, sysconf(CInt(_SC_CLK_TCK))))
    let states = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]
    guard var found = group(.cpu, "cpu", path, [("cpu", "cpu")], { _, _ in nil }) else { return nil }
    found.attributes = states.enumerated().map { index, state in
      Attribute(path, Field(state, .double, unit: "s"), line: "cpu", column: index + 1, scale: 1 / second)
    }
    let counters = [
      ("ctxt", "context_switches"), ("processes", "forks"), ("procs_running", "running"), ("procs_blocked", "blocked"),
    ]
    let others = group(.cpu, "cpu", path, counters) { key, name in
      Attribute(path, Field(name, .uint64, unit: "1"), line: key)
    }
    found.attributes += others?.attributes ?? []
    return found
  }

  private static func network(_ root: String) -> [Group] {
    let path = root + "/proc/net/dev"
    guard let text = smallText(path) else { return [] }
    let columns = [
      ("rx_bytes", 1, "By"), ("rx_packets", 2, "1"), ("rx_errors", 3, "1"), ("rx_dropped", 4, "1"),
      ("tx_bytes", 9, "By"), ("tx_packets", 10, "1"), ("tx_errors", 11, "1"), ("tx_dropped", 12, "1"),
    ]
    // Two lines of headings; "  eth0: 123 …"; a name may hold colons itself.
    return text.split(separator: "\n").dropFirst(2).compactMap { line in
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      guard let first = words.first, let colon = first.lastIndex(of: ":"), words.count > 8 else { return nil }
      let name = String(first[..<colon])
      return Group(
        kind: .network, name: "network.\(name)",
        attributes: columns.map { field, column, unit in
          Attribute(path, Field(field, .uint64, unit: unit), line: name + ":", column: column)
        })
    }
  }

  private static func hwmon(_ root: String) -> [Group] {
    let base = root + "/sys/class/hwmon"
    var names = UniqueNames()
    return numbered(entries(of: base), "hwmon").compactMap { entry in
      let chip = "\(base)/\(entry)"
      let attributes = HwmonChip.attributes(of: chip)
      guard !attributes.isEmpty else { return nil }
      let name = identifier(smallText(chip + "/name") ?? entry)
      return Group(
        kind: .hwmon, name: "hwmon.\(names.unique(name))", attributes: attributes, device: resolved(chip + "/device"))
    }
  }

  private static func thermal(_ root: String) -> Group? {
    let base = root + "/sys/class/thermal"
    var names = UniqueNames()
    let attributes = numbered(entries(of: base), "thermal_zone").map { zone in
      let type = identifier(smallText("\(base)/\(zone)/type") ?? zone)
      return Attribute("\(base)/\(zone)/temp", Field(names.unique(type), .double, unit: "Cel"), scale: 0.001)
    }
    return attributes.isEmpty ? nil : Group(kind: .thermal, name: "thermal", attributes: attributes)
  }

  /// Attributes for those keys that begin a line of the file; `nil` when none does.
  private static func group(
    _ kind: Group.Kind, _ name: String, _ path: String, _ keys: [(key: String, name: String)],
    _ attribute: (String, String) -> Attribute?
  ) -> Group? {
    guard let text = smallText(path) else { return nil }
    let utf8 = Array(text.utf8)
    let present = utf8.withUnsafeBytes { bytes in
      keys.filter { TextLines(bytes).word(1, ofLine: Array($0.key.utf8)) != nil }
    }
    return present.isEmpty
      ? nil : Group(kind: kind, name: name, attributes: present.compactMap { attribute($0.key, $0.name) })
  }
}
