import STTSample

/// The inputs of one hardware monitoring chip, by the kernel's naming convention
/// (Documentation/hwmon/sysfs-interface).
enum HwmonChip {
  private static let quantities: [(prefix: String, endings: [String], unit: String, scale: Double)] = [
    ("temp", ["input"], "Cel", 0.001),
    ("in", ["input"], "V", 0.001),
    ("curr", ["input"], "A", 0.001),
    // A chip has one of the two: the moment's power or an average.
    ("power", ["input", "average"], "W", 0.000_001),
    ("energy", ["input"], "J", 0.000_001),
    ("fan", ["input"], "/min", 1),
    ("humidity", ["input"], "%", 0.001),
    ("freq", ["input"], "Hz", 1),
  ]

  /// Named after the chip's label when it gives one, else after the file: `temp1`.
  static func attributes(of directory: String) -> [Attribute] {
    let names = Set(entries(of: directory))
    var fields = UniqueNames()
    return quantities.flatMap { quantity in
      let channels = numbered(
        names.compactMap { name in
          guard let underscore = name.firstIndex(of: "_"),
            quantity.endings.contains(String(name[underscore...].dropFirst()))
          else { return nil }
          return String(name[..<underscore])
        }.uniqued(), quantity.prefix)
      return channels.compactMap { channel -> Attribute? in
        guard let ending = quantity.endings.first(where: { names.contains("\(channel)_\($0)") }) else { return nil }
        let label = smallText("\(directory)/\(channel)_label").map(identifier) ?? channel
        return Attribute(
          "\(directory)/\(channel)_\(ending)", Field(fields.unique(label), .double, unit: quantity.unit),
          scale: quantity.scale)
      }
    }
  }
}

extension [String] {
  fileprivate func uniqued() -> [String] { Array(Set(self)) }
}
