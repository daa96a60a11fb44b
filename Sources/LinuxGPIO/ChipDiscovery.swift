internal import CGPIO
import Glibc

/// The GPIO chips of this machine.
public enum ChipDiscovery {
  /// A chip and its lines.
  public struct Chip: Hashable, Sendable {
    public var path: String
    /// `gpiochip0`: changes between kernels.
    public var name: String
    /// `pinctrl-rp1`: stays.
    public var label: String
    public var lines: [Line]
  }

  /// One line, at its offset.
  public struct Line: Hashable, Sendable {
    /// Empty when the board's description gives none.
    public var name: String
    /// Who has it; empty when it is free.
    public var user: String
    public var isOutput: Bool
  }

  /// The library's version, such as `1.6.3`.
  public static var libraryVersion: String { String(cString: cgpio_library_version()) }

  /// Paths of the chips' nodes, by number.
  public static func paths() -> [String] {
    guard let stream = opendir("/dev") else { return [] }
    defer { closedir(stream) }
    var numbers: [Int] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix("gpiochip"), let number = Int(name.dropFirst(8)) { numbers.append(number) }
    }
    return numbers.sorted().map { "/dev/gpiochip\($0)" }
  }

  /// - Throws: why a chip can't be opened.
  public static func list() throws(LineTrouble) -> [Chip] {
    var chips: [Chip] = []
    for path in paths() { chips.append(try OpenChip(path).described) }
    return chips
  }
}

/// A chip as long as it is looked at.
final class OpenChip {
  let path: String
  let handle: OpaquePointer
  let label: String
  let name: String
  let lineCount: UInt32

  init(_ path: String) throws(LineTrouble) {
    var opened: OpaquePointer?
    let result = cgpio_chip_open(path, &opened)
    guard result >= 0, let opened else { throw .refused(doing: "open", path: path, errno: -result) }
    var info = cgpio_chip_info()
    let described = cgpio_chip_describe(opened, &info)
    self.path = path
    handle = opened
    label = text(of: info.label)
    name = text(of: info.name)
    lineCount = info.line_count
    guard described >= 0 else { throw .refused(doing: "describe", path: path, errno: -described) }
  }

  deinit { cgpio_chip_close(handle) }

  func line(_ offset: UInt32) throws(LineTrouble) -> ChipDiscovery.Line {
    var info = cgpio_line_info()
    let result = cgpio_line_describe(handle, offset, &info)
    guard result >= 0 else { throw .refused(doing: "describe line \(offset) of", path: path, errno: -result) }
    let user = text(of: info.consumer)
    return ChipDiscovery.Line(
      name: text(of: info.name), user: info.is_used != 0 && user.isEmpty ? "the kernel" : user,
      isOutput: info.is_output != 0)
  }

  var described: ChipDiscovery.Chip {
    get throws(LineTrouble) {
      var lines: [ChipDiscovery.Line] = []
      for offset in 0..<lineCount { lines.append(try line(offset)) }
      return ChipDiscovery.Chip(path: path, name: name, label: label, lines: lines)
    }
  }
}

/// The text in a fixed array of bytes, up to the first 0.
func text<Array>(of bytes: Array) -> String {
  withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
