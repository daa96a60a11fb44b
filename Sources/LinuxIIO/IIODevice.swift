import Glibc

/// An industrial I/O device as sysfs shows it.
public struct IIODevice: Hashable, Sendable {
  /// A channel that can be captured in a buffer.
  public struct ScanChannel: Hashable, Sendable {
    /// Without `in_`: `voltage0`, `accel_x`.
    public var name: String
    public var index: Int
    public var element: ScanElement
    /// The sample is `raw × scale + offset`, in ``unit``.
    public var scale: Double
    public var offset: Double
    /// UCUM.
    public var unit: String
  }

  /// A channel that is read from a file.
  public struct PolledChannel: Hashable, Sendable {
    public var name: String
    public var path: String
    /// The sample is `number × scale + offset`, in ``unit``.
    public var scale: Double
    public var offset: Double
    public var unit: String
  }

  /// What the driver calls it, or its label if the board's description gives one.
  public var name: String
  /// `/sys/bus/iio/devices/iio:device0`.
  public var directory: String
  /// `/dev/iio:device0`.
  public var node: String

  /// The devices there are, in the order of their numbers.
  ///
  /// - Parameter root: another directory than `/` looks at a copy of its trees.
  public static func list(root: String = "") -> [IIODevice] {
    let base = "\(root)/sys/bus/iio/devices"
    return numbered(base, "iio:device").map { entry in
      let directory = "\(base)/\(entry)"
      let name = readText("\(directory)/label") ?? readText("\(directory)/name") ?? entry
      return IIODevice(name: name, directory: directory, node: "\(root)/dev/\(entry)")
    }
  }

  /// The first with that name, label or entry (`iio:device0`).
  static func find(_ name: String, root: String = "") -> IIODevice? {
    list(root: root).first { device in
      device.name == name || device.node == name || device.directory.hasSuffix("/\(name)")
        || readText("\(device.directory)/name") == name
    }
  }

  /// Directory of the trigger of that name.
  static func trigger(_ name: String, root: String = "") -> String? {
    let base = "\(root)/sys/bus/iio/devices"
    return numbered(base, "trigger").map { "\(base)/\($0)" }.first { readText("\($0)/name") == name }
  }

  /// Channels a buffer can hold, by index, without the time.
  public var scanChannels: [ScanChannel] {
    let files = Set(entries("\(directory)/scan_elements"))
    return files.compactMap { file -> ScanChannel? in
      guard file.hasPrefix("in_"), file.hasSuffix("_type"), file != "in_timestamp_type" else { return nil }
      let name = String(file.dropFirst(3).dropLast(5))
      guard let (index, element) = scanElement(name) else { return nil }
      let (scale, offset, unit) = conversion(name)
      return ScanChannel(name: name, index: index, element: element, scale: scale, offset: offset, unit: unit)
    }.sorted { $0.index < $1.index }
  }

  func scanElement(_ name: String) -> (index: Int, element: ScanElement)? {
    let base = "\(directory)/scan_elements/in_\(name)"
    guard let index = readText("\(base)_index").flatMap({ Int($0) }),
      let element = readText("\(base)_type").flatMap({ ScanElement($0) })
    else { return nil }
    return (index, element)
  }

  /// Channels with a file of their own: converted ones (`_input`) as they are, others by scale and offset.
  public var polledChannels: [PolledChannel] {
    let files = entries(directory).sorted()
    return files.compactMap { file -> PolledChannel? in
      guard file.hasPrefix("in_") else { return nil }
      if file.hasSuffix("_input") {
        let name = String(file.dropFirst(3).dropLast(6))
        let quantity = ChannelQuantity.of(name)
        return PolledChannel(
          name: name, path: "\(directory)/\(file)", scale: quantity.factor, offset: 0, unit: quantity.unit)
      }
      guard file.hasSuffix("_raw"), !files.contains(file.dropLast(3) + "input") else { return nil }
      let name = String(file.dropFirst(3).dropLast(4))
      let (scale, offset, unit) = conversion(name)
      return PolledChannel(name: name, path: "\(directory)/\(file)", scale: scale, offset: offset, unit: unit)
    }
  }

  /// From raw numbers to the sample: the kernel's `(raw + offset) × scale`, then to the unit.
  private func conversion(_ name: String) -> (scale: Double, offset: Double, unit: String) {
    let quantity = ChannelQuantity.of(name)
    let scale = number(name, "scale") ?? 1
    let offset = number(name, "offset") ?? 0
    return (scale * quantity.factor, offset * scale * quantity.factor, quantity.unit)
  }

  /// A channel's own file, else the one it shares with its type: `in_voltage0_scale`, `in_voltage_scale`; of
  /// differential channels `in_voltage-voltage_scale`.
  private func number(_ name: String, _ ending: String) -> Double? {
    let shared = name.split(separator: "-", omittingEmptySubsequences: false).map { part in
      String(part.prefix { $0.isASCII && $0.isLetter })
    }.joined(separator: "-")
    for candidate in [name, shared] {
      guard let text = readText("\(directory)/in_\(candidate)_\(ending)") else { continue }
      if let value = Double(text), value.isFinite { return value }
    }
    return nil
  }
}

private func entries(_ directory: String) -> [String] {
  guard let stream = opendir(directory) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { names.append(name) }
  }
  return names
}

private func numbered(_ directory: String, _ prefix: String) -> [String] {
  entries(directory).compactMap { name -> (number: Int, name: String)? in
    guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)) else { return nil }
    return (number, name)
  }.sorted { $0.number < $1.number }.map(\.name)
}

/// The first 4 KiB of a file without blanks around them, or `nil` when it can't be read or is empty.
func readText(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 4096)
  let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
  guard count > 0 else { return nil }
  let text = bytes[..<count].drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed()
  return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
}

/// Writes a sysfs attribute; answers the errno of a refusal.
func writeText(_ text: String, to path: String) -> CInt? {
  let descriptor = open(path, O_WRONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return errno }
  defer { close(descriptor) }
  var bytes = Array(text.utf8)
  let count = bytes.withUnsafeMutableBytes { write(descriptor, $0.baseAddress, $0.count) }
  return count < 0 ? errno : nil
}
