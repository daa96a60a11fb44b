internal import STTSample

// Disks, power supplies and 1-wire thermometers.
extension SystemAttributes {
  /// Counters of every disk, without its partitions (Documentation/ABI/stable/sysfs-block, `stat`).
  static func disks(_ root: String) -> [Group] {
    let base = root + "/sys/block"
    let counters: [(name: String, column: Int, unit: String, scale: Double)] = [
      // A sector of this file has 512 bytes, whatever the disk's has.
      ("reads", 1, "1", 1), ("read_bytes", 3, "By", 512), ("writes", 5, "1", 1), ("written_bytes", 7, "By", 512),
      ("in_flight", 9, "1", 1),
    ]
    return entries(of: base).sorted().compactMap { disk in
      let path = "\(base)/\(disk)/stat"
      guard !disk.hasPrefix("loop"), !disk.hasPrefix("ram"), smallText(path) != nil else { return nil }
      return Group(
        kind: .disk, name: "disk.\(disk)",
        attributes: counters.map { counter in
          Attribute(
            path, Field(counter.name, .uint64, unit: counter.unit), column: counter.column, scale: counter.scale)
        } + [Attribute(path, Field("busy", .double, unit: "s"), column: 10, scale: 0.001)])
    }
  }

  /// Batteries, chargers and mains (Documentation/ABI/testing/sysfs-class-power).
  static func powerSupplies(_ root: String) -> [Group] {
    let base = root + "/sys/class/power_supply"
    let known: [(file: String, field: Field, scale: Double)] = [
      ("status", Field("status", .string), 1), ("online", Field("online", .bool), 1),
      ("capacity", Field("capacity", .double, unit: "%"), 1),
      ("voltage_now", Field("voltage", .double, unit: "V"), 1e-6),
      ("current_now", Field("current", .double, unit: "A"), 1e-6),
      ("power_now", Field("power", .double, unit: "W"), 1e-6),
      ("energy_now", Field("energy", .double, unit: "J"), 3600e-6),
      ("charge_now", Field("charge", .double, unit: "C"), 3600e-6), ("temp", Field("temp", .double, unit: "Cel"), 0.1),
    ]
    return entries(of: base).sorted().compactMap { supply in
      let there = Set(entries(of: "\(base)/\(supply)"))
      let attributes = known.filter { there.contains($0.file) }.map { file, field, scale in
        Attribute("\(base)/\(supply)/\(file)", field, scale: scale)
      }
      return attributes.isEmpty ? nil : Group(kind: .power, name: "power.\(supply)", attributes: attributes)
    }
  }

  /// Thermometers on 1-wire buses, by their serial numbers. A read takes a conversion, up to 750 ms.
  static func oneWire(_ root: String) -> [Group] {
    let base = root + "/sys/bus/w1/devices"
    let attributes = entries(of: base).sorted().compactMap { device -> Attribute? in
      let field = Field(identifier("t_" + device), .double, unit: "Cel")
      if smallText("\(base)/\(device)/temperature") != nil {
        return Attribute("\(base)/\(device)/temperature", field, scale: 0.001)
      }
      return nil
    }
    return attributes.isEmpty ? [] : [Group(kind: .onewire, name: "onewire", attributes: attributes)]
  }
}
