import STTBoard
import STTChecksum

extension PairFile {
  /// A real file has about 500 bytes, and 150 more for each further epoch.
  public static let maximumByteCount = 32_768

  /// A pair that never had another seed is written as it always was.
  private var formatVersion: String { epochs.count == 1 && epochs[0].madeSeconds == 0 ? "1" : "2" }

  /// The text of a pair file, which is secret as a whole.
  /// - Parameter commented: with the lines that explain it to people; without them it is as short as
  ///   a QR code wants it.
  public func text(commented: Bool) throws(PairFlaw) -> SecretBytes {
    guard var writer = SecretWriter(capacity: Self.maximumByteCount) else { throw .noMemory }
    var fits = true
    if commented {
      fits =
        writer.append(
          """
          # The secret shared by the device "\(name)" and its collector. Whoever reads this file can
          # pose as either. Keep it readable by its owner alone (chmod 600) and carry it by hand or
          # QR code, never by mail or chat. Check a copy with: stt seed verify FILE

          """)
    }
    let equals = commented ? " = " : "="
    func line(_ key: String, _ value: String) -> String { "\(key)\(equals)\(value)\n" }
    func seed(_ epoch: SeedEpoch, _ writer: inout SecretWriter) -> Bool {
      let fits = writer.append("seed\(equals)\"")
      return epoch.seed.withUnsafeBytes { appendHexadecimal($0, to: &writer) } && fits && writer.append("\"\n")
    }
    fits =
      fits && writer.append(line("stt-pair", formatVersion)) && writer.append(line("name", "\"\(name)\""))
      && writer.append(line("device-id", "\"\(hexadecimal(deviceID))\""))
      && writer.append(line("collector-id", "\"\(hexadecimal(collectorID))\""))
    if formatVersion == "1" {
      fits = fits && writer.append(line("epoch", "\(epoch)")) && seed(epochs[0], &writer)
    }
    fits = fits && writer.append(line("check", "\"\(hexadecimal(check))\""))
    if formatVersion == "2" {
      for epoch in epochs {
        fits =
          fits && writer.append("[[epoch]]\n") && writer.append(line("number", "\(epoch.number)"))
          && writer.append(line("state", "\"\(epoch.state.rawValue)\""))
        if epoch.overlapSeconds > 0 { fits = fits && writer.append(line("overlap", "\(epoch.overlapSeconds)")) }
        if epoch.madeSeconds > 0 { fits = fits && writer.append(line("made", "\(epoch.madeSeconds)")) }
        fits = fits && seed(epoch, &writer)
      }
    }
    guard fits, let text = writer.finish() else { throw .tooLarge }
    return text
  }

  /// Reads a text made by ``text(commented:)`` or typed after it.
  public init(text: UnsafeRawBufferPointer) throws(PairFlaw) {
    guard text.count <= Self.maximumByteCount else { throw .tooLarge }
    var root = PairTextSection(line: 1, keys: ["stt-pair", "name", "device-id", "collector-id", "epoch", "seed", "check"])
    var sections: [PairTextSection] = []
    var number = 0
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let bytes = trimmed(UnsafeRawBufferPointer(rebasing: line))
      guard let first = bytes.first, first != UInt8(ascii: "#") else { continue }
      if bytes.elementsEqual("[[epoch]]".utf8) {
        guard sections.count < Self.mostEpochs else { throw .line(number, "begins more than \(Self.mostEpochs) epochs") }
        sections.append(PairTextSection(line: number, keys: ["number", "state", "overlap", "made", "seed"]))
        continue
      }
      if sections.isEmpty { try root.take(bytes, number) } else { try sections[sections.count - 1].take(bytes, number) }
    }
    switch try root.value("stt-pair") {
    case "1": try self.init(single: root, sections)
    case "2": try self.init(root, sections)
    default: throw .line(1, "announces another version of pair file; this program reads versions 1 and 2")
    }
    guard bytes(hexadecimal: try root.value("check")) == check else { throw .wrongCheck }
  }

  /// Version 1: one epoch, its values among the others.
  private init(single root: PairTextSection, _ sections: [PairTextSection]) throws(PairFlaw) {
    if let section = sections.first { throw .line(section.line, "begins an epoch, which a file of version 1 does not have") }
    guard let seed = root.seed else { throw .missing(key: "seed") }
    let (device, collector) = try root.identities()
    guard let epoch = UInt32(try root.value("epoch")), epoch < .max else { throw .badEpoch }
    try self.init(name: try root.value("name"), deviceID: device, collectorID: collector, epoch: epoch, seed: seed)
  }

  /// Version 2: a section for each epoch.
  private init(_ root: PairTextSection, _ sections: [PairTextSection]) throws(PairFlaw) {
    for key in ["epoch", "seed"] where root.values[key] != nil {
      throw .line(root.line, "begins a file of version 2, which has \"\(key)\" only under [[epoch]]")
    }
    let (device, collector) = try root.identities()
    var epochs: [SeedEpoch] = []
    for section in sections { epochs.append(try section.epoch()) }
    do throws(PairFlaw) {
      try self.init(name: try root.value("name"), deviceID: device, collectorID: collector, epochs: epochs)
    } catch {
      guard case .badEpochs(let index, let number, let reason) = error, index < sections.count else { throw error }
      throw .line(sections[index].line, "begins epoch \(number), which \(reason)")
    }
  }

  /// CRC-32 of every value: finds slips of the hand, and is no protection against anybody.
  private var check: [UInt8] {
    var crc = CRC32()
    for part in [Array(name.utf8), [0], deviceID, collectorID] { part.withUnsafeBytes { crc.update(unsafe: $0) } }
    for epoch in epochs {
      withUnsafeBytes(of: epoch.number.littleEndian) { crc.update(unsafe: $0) }
      if formatVersion == "2" {
        Array(epoch.state.rawValue.utf8).withUnsafeBytes { crc.update(unsafe: $0) }
        withUnsafeBytes(of: epoch.overlapSeconds.littleEndian) { crc.update(unsafe: $0) }
        withUnsafeBytes(of: epoch.madeSeconds.littleEndian) { crc.update(unsafe: $0) }
      }
      epoch.seed.withUnsafeBytes { crc.update(unsafe: $0) }
    }
    return (0..<4).map { UInt8(truncatingIfNeeded: crc.value >> UInt32(24 - 8 * $0)) }
  }
}

func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
  func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
  guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
  else { return UnsafeRawBufferPointer(start: nil, count: 0) }
  return UnsafeRawBufferPointer(rebasing: bytes[first...last])
}

func unquoted(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
  guard bytes.count >= 2, bytes[0] == UInt8(ascii: "\""), bytes[bytes.count - 1] == UInt8(ascii: "\"") else { return bytes }
  return UnsafeRawBufferPointer(rebasing: bytes[1..<(bytes.count - 1)])
}
