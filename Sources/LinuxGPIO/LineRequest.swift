internal import CGPIO

/// Lines of one chip, asked for together; given back at the end.
final class LineRequest {
  /// Edges the kernel keeps for each line while nobody reads, where it lets us choose (libgpiod 2.x).
  static let queue: UInt32 = 256
  static let mostLines = Int(CGPIO_MOST_LINES)

  /// Where it was found this time.
  let chip: String
  private let handle: OpaquePointer
  private let count: Int

  init(_ lines: [LineAddress], chip: String?, _ settings: LineSettings) throws(LineTrouble) {
    guard lines.count <= Self.mostLines else { throw .tooMany(lines.count) }
    let (path, offsets) = try Self.find(lines, chip)
    let open = try OpenChip(path)
    self.chip = open.label
    count = offsets.count
    for (line, offset) in zip(lines, offsets) {
      let found = try open.line(offset)
      if !found.user.isEmpty { throw .inUse(line: line.text, chip: open.label, user: found.user) }
    }
    var asked = cgpio_settings()
    asked.edges =
      switch settings.edges {
      case .both: UInt32(CGPIO_RISING | CGPIO_FALLING)
      case .rising: UInt32(CGPIO_RISING)
      case .falling: UInt32(CGPIO_FALLING)
      }
    asked.bias =
      switch settings.bias {
      case .asIs: UInt32(CGPIO_BIAS_AS_IS)
      case .disabled: UInt32(CGPIO_BIAS_DISABLED)
      case .pullUp: UInt32(CGPIO_BIAS_PULL_UP)
      case .pullDown: UInt32(CGPIO_BIAS_PULL_DOWN)
      }
    asked.is_active_low = settings.isActiveLow ? 1 : 0
    asked.debounce_us = settings.debounceMicroseconds
    asked.queue = Self.queue
    asked.is_realtime = settings.isRealtime ? 1 : 0
    var request: OpaquePointer?
    let result = cgpio_request_open(open.handle, offsets, CInt(offsets.count), &asked, &request)
    guard result >= 0, let request else { throw .refused(doing: "take lines of", path: path, errno: -result) }
    handle = request
    chipHandle = open
  }

  /// With libgpiod 1.x lines live no longer than their chip.
  private let chipHandle: OpenChip

  deinit { cgpio_request_close(handle) }

  var descriptor: CInt { cgpio_request_descriptor(handle) }

  /// -errno when they can't be read.
  func levels(_ levels: inout [UInt8]) -> CInt { cgpio_request_levels(handle, &levels) }

  /// How many edges were taken, or -errno.
  func read(_ edges: inout [cgpio_edge]) -> CInt { cgpio_request_read(handle, &edges, CInt(clamping: edges.count)) }

  private static func find(
    _ lines: [LineAddress], _ wanted: String?
  ) throws(LineTrouble) -> (path: String, offsets: [UInt32]) {
    var offsets = [UInt32?](repeating: nil, count: lines.count)
    var found: (path: String, label: String)?
    var isChipThere = false
    for path in ChipDiscovery.paths() {
      // A chip that may not be opened is an error of its own: the line may well be there.
      let chip = try OpenChip(path)
      if let wanted, wanted != chip.label, wanted != chip.name, wanted != path { continue }
      isChipThere = true
      for (index, line) in lines.enumerated() where offsets[index] == nil {
        guard let offset = try Self.offset(of: line, on: chip) else { continue }
        if let found, found.path != path { throw .severalChips(found.label, chip.label) }
        found = (path, chip.label)
        offsets[index] = offset
      }
    }
    if !isChipThere { throw .noChip(wanted: wanted) }
    if let missing = offsets.firstIndex(of: nil) { throw .noLine(lines[missing].text, chip: wanted) }
    guard let found else { throw .noChip(wanted: wanted) }
    return (found.path, offsets.compactMap { $0 })
  }

  private static func offset(of line: LineAddress, on chip: OpenChip) throws(LineTrouble) -> UInt32? {
    switch line {
    case .offset(let offset):
      guard offset < chip.lineCount else {
        throw .beyond(offset: offset, chip: chip.label, lineCount: chip.lineCount)
      }
      return offset
    case .name(let name):
      for offset in 0..<chip.lineCount {
        let found = try chip.line(offset)
        if found.name == name { return offset }
      }
      return nil
    }
  }
}
