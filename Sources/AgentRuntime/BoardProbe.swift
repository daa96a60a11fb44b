import LinuxFile
import LinuxGPIO
import LinuxIIO
import LinuxVideo
import STTSample

/// What this board has, and a configuration that reads it.
public struct BoardProbe: Sendable {
  /// One kind of device: lines for a reader, and `[[source]]` entries.
  public struct Section: Sendable {
    public var title: String
    public var lines: [String]
    public var sources: [String]
  }

  public let sections: [Section]

  /// Looks at everything; opens chips and cameras for a moment, changes nothing, waits for nothing.
  public init() {
    var names = SourceNames()
    sections = [
      Self.gpio(&names), Self.iio(&names), Self.cameras(&names), Self.serialPorts(&names), Self.system(&names),
    ]
  }

  /// All `[[source]]` entries.
  public var configuration: String { sections.flatMap(\.sources).joined(separator: "\n") }

  private static func gpio(_ names: inout SourceNames) -> Section {
    var section = Section(title: "GPIO chips (libgpiod \(ChipDiscovery.libraryVersion))", lines: [], sources: [])
    do throws(LineTrouble) {
      for chip in try ChipDiscovery.list() {
        section.lines.append("\(chip.label) (\(chip.path)): \(chip.lines.count) lines")
        for (offset, line) in chip.lines.enumerated() where !line.name.isEmpty || !line.user.isEmpty {
          let use = line.user.isEmpty ? "free" : "used by \(line.user)"
          section.lines.append("  \(offset): \(line.name.isEmpty ? "without a name" : line.name), \(use)")
        }
        let free = chip.lines.filter { !$0.name.isEmpty && $0.user.isEmpty && !$0.isOutput }.map(\.name)
        let unique = free.filter { name in free.count { $0 == name } == 1 }
        guard !unique.isEmpty else { continue }
        section.sources.append(
          """
          # Keep the lines that are wired: each is taken as an input.
          [[source]]
          name = "\(names.unique(chip.label))"
          type = "gpio"
          chip = \(quoted(chip.label))
          lines = [\(unique.prefix(64).map(quoted).joined(separator: ", "))]

          """)
      }
    } catch { section.lines.append("\(error)") }
    return section
  }

  private static func iio(_ names: inout SourceNames) -> Section {
    var section = Section(title: "Industrial I/O devices", lines: [], sources: [])
    for device in IIODevice.list() {
      section.lines.append("\(device.name) (\(device.node))")
      let polled = device.polledChannels
      let buffered = Set(device.scanChannels.map(\.name))
      for channel in polled {
        let unit = channel.unit.isEmpty ? "" : ", \(channel.unit)"
        section.lines.append("  \(channel.name)\(unit)\(buffered.contains(channel.name) ? ", can be captured" : "")")
      }
      guard !polled.isEmpty else { continue }
      section.sources.append(
        """
        [[source]]
        name = "\(names.unique(device.name))"
        type = "iio"
        device = \(quoted(device.name))
        channels = [\(polled.prefix(64).map { quoted($0.name) }.joined(separator: ", "))]
        rate_hz = 1

        """)
    }
    return section
  }

  private static func cameras(_ names: inout SourceNames) -> Section {
    var section = Section(title: "Cameras", lines: [], sources: [])
    for camera in CameraDiscovery.list() {
      let path = camera.stablePaths.first ?? camera.path
      section.lines.append("\(camera.name) (\(([camera.path] + camera.stablePaths).joined(separator: ", ")))")
      section.lines += camera.offers.filter(\.isKnown).map { "  \($0)" }
      let others = Set(camera.offers.filter { !$0.isKnown }.map(\.format)).count
      if others > 0 { section.lines.append("  \(others) format(s) unknown to this program") }
      guard let mode = camera.usualMode else { continue }
      section.sources.append(
        """
        [[source]]
        name = "\(names.unique("camera"))"
        type = "camera"
        device = \(quoted(path))
        format = "\(mode.format.rawValue)"
        width = \(mode.width)
        height = \(mode.height)
        fps = 15
        delivery = "partial"
        durability = "periodic"

        """)
    }
    section.lines += CameraDiscovery.problems().map { "\($0)" }
    return section
  }

  private static func serialPorts(_ names: inout SourceNames) -> Section {
    var section = Section(title: "Serial ports", lines: [], sources: [])
    for port in SerialPorts.list() {
      section.lines.append(([port.path] + port.stablePaths).joined(separator: ", "))
      section.sources.append(
        """
        # Set the rate and the framing that the instrument's manual gives.
        [[source]]
        name = "\(names.unique("serial"))"
        type = "serial"
        device = \(quoted(port.stablePaths.first ?? port.path))
        baud = 9600
        framing = "lines"

        """)
    }
    return section
  }

  private static func system(_ names: inout SourceNames) -> Section {
    var section = Section(title: "Measurements of the machine itself", lines: [], sources: [])
    let groups = SystemAttributes.discover()
    for group in groups {
      let fields = group.attributes.map { attribute in
        attribute.field.name + (attribute.field.unit.isEmpty ? "" : " (\(attribute.field.unit))")
      }
      section.lines.append("\(group.name): \(fields.joined(separator: ", "))")
    }
    let kinds = SystemAttributes.Group.Kind.allCases.filter { kind in groups.contains { $0.kind == kind } }
    for slow in [false, true] {
      let wanted = kinds.filter { ($0 == .onewire) == slow }.map { quoted($0.rawValue) }
      guard !wanted.isEmpty else { continue }
      section.sources.append(
        """
        [[source]]
        name = "\(names.unique(slow ? "onewire" : "system"))"
        type = "system"
        groups = [\(wanted.joined(separator: ", "))]
        rate_hz = \(slow ? "0.1" : "1")

        """)
    }
    return section
  }

  /// A basic string of TOML.
  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}

/// Names for sources: portable, each once.
private struct SourceNames {
  private var taken: Set<String> = []

  mutating func unique(_ wanted: String) -> String {
    let characters = wanted.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") ? $0 : "_" }
    let base = characters.first.map { $0.isLetter || $0.isNumber } == true ? String(characters.prefix(56)) : "device"
    var name = base
    var number = 2
    while !taken.insert(name).inserted {
      name = "\(base)-\(number)"
      number += 1
    }
    return name
  }
}
