import STTBoard
import STTChecksum

extension PairFile {
  /// The version of the text, its first key.
  static let formatVersion = "1"
  /// A real file has about 500 bytes.
  public static let maximumByteCount = 8_192

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
    fits =
      fits && writer.append(line("stt-pair", Self.formatVersion)) && writer.append(line("name", "\"\(name)\""))
      && writer.append(line("device-id", "\"\(hexadecimal(deviceID))\""))
      && writer.append(line("collector-id", "\"\(hexadecimal(collectorID))\""))
      && writer.append(line("epoch", "\(epoch)")) && writer.append("seed\(equals)\"")
    fits = seed.withUnsafeBytes { appendHexadecimal($0, to: &writer) } && fits
    fits = fits && writer.append("\"\n") && writer.append(line("check", "\"\(hexadecimal(check))\""))
    guard fits, let text = writer.finish() else { throw .tooLarge }
    return text
  }

  /// Reads a text made by ``text(commented:)`` or typed after it.
  public init(text: UnsafeRawBufferPointer) throws(PairFlaw) {
    guard text.count <= Self.maximumByteCount else { throw .tooLarge }
    var values: [String: String] = [:]
    var seed: SecretBytes?
    var number = 0
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let bytes = trimmed(UnsafeRawBufferPointer(rebasing: line))
      guard let first = bytes.first, first != UInt8(ascii: "#") else { continue }
      guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { throw .line(number, "has no \"=\"") }
      let key = String(decoding: trimmed(UnsafeRawBufferPointer(rebasing: bytes[..<equals])), as: UTF8.self)
      let value = unquoted(trimmed(UnsafeRawBufferPointer(rebasing: bytes[(equals + 1)...])))
      guard Self.keys.contains(key) else { throw .line(number, "has an unknown key") }
      guard values.updateValue("", forKey: key) == nil else { throw .line(number, "repeats the key \"\(key)\"") }
      if key == "seed" {
        // The seed never becomes a String: its copies could not be overwritten.
        guard let decoded = try secretFromHexadecimal(value) else {
          throw .line(number, "does not give the seed as 64 hexadecimal digits")
        }
        seed = decoded
      } else {
        values[key] = String(decoding: value, as: UTF8.self)
      }
    }
    try self.init(values, seed)
  }

  private static let keys: Set<String> = ["stt-pair", "name", "device-id", "collector-id", "epoch", "seed", "check"]

  private init(_ values: [String: String], _ seed: SecretBytes?) throws(PairFlaw) {
    func value(_ key: String) throws(PairFlaw) -> String {
      guard let value = values[key] else { throw .missing(key: key) }
      return value
    }
    guard try value("stt-pair") == Self.formatVersion else {
      throw .line(1, "announces another version of pair file; this program reads version \(Self.formatVersion)")
    }
    guard let seed else { throw .missing(key: "seed") }
    guard let device = bytes(hexadecimal: try value("device-id")), device.count == 32,
      let collector = bytes(hexadecimal: try value("collector-id")), collector.count == 32
    else { throw .badIdentity }
    guard let epoch = UInt32(try value("epoch")) else { throw .badEpoch }
    try self.init(
      name: try value("name"), deviceID: device, collectorID: collector, epoch: epoch, seed: seed)
    guard bytes(hexadecimal: try value("check")) == check else { throw .wrongCheck }
  }

  /// CRC-32 of every value: finds slips of the hand, and is no protection against anybody.
  private var check: [UInt8] {
    var crc = CRC32()
    for part in [Array(name.utf8), [0], deviceID, collectorID] { part.withUnsafeBytes { crc.update(unsafe: $0) } }
    withUnsafeBytes(of: epoch.littleEndian) { crc.update(unsafe: $0) }
    seed.withUnsafeBytes { crc.update(unsafe: $0) }
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
