/// A pair file's text, taken apart so that tests can make it wrong in one place.
struct PairText {
  struct Malformed: Error {}

  var name: String
  var deviceID: [UInt8]
  var collectorID: [UInt8]
  var epoch: UInt32
  var seed: [UInt8]

  init(_ path: String) throws {
    var values: [Substring: String] = [:]
    for line in Files.text(path).split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: " = ", maxSplits: 1)
      guard parts.count == 2 else { throw Malformed() }
      values[parts[0]] = String(parts[1].filter { $0 != "\"" })
    }
    guard let name = values["name"], let epoch = values["epoch"].flatMap({ UInt32($0) }) else { throw Malformed() }
    self.name = name
    self.epoch = epoch
    deviceID = try Self.bytes(values["device-id"])
    collectorID = try Self.bytes(values["collector-id"])
    seed = try Self.bytes(values["seed"])
  }

  /// With its check, which is a CRC-32 and protects against slips of the hand alone.
  var text: String {
    var covered = Array(name.utf8) + [0] + deviceID + collectorID
    covered += (0..<4).map { UInt8(truncatingIfNeeded: epoch >> (8 * $0)) }
    covered += seed
    let check = Self.crc(covered)
    return """
      stt-pair = 1
      name = "\(name)"
      device-id = "\(Self.digits(deviceID))"
      collector-id = "\(Self.digits(collectorID))"
      epoch = \(epoch)
      seed = "\(Self.digits(seed))"
      check = "\(Self.digits((0..<4).map { UInt8(truncatingIfNeeded: check >> (24 - 8 * $0)) }))"

      """
  }

  private static func bytes(_ digits: String?) throws -> [UInt8] {
    guard let digits, digits.count == 64 else { throw Malformed() }
    let nibbles = digits.compactMap(\.hexDigitValue)
    guard nibbles.count == 64 else { throw Malformed() }
    return (0..<32).map { UInt8(nibbles[2 * $0] << 4 | nibbles[2 * $0 + 1]) }
  }

  static func anyBytes(_ digits: String?) -> [UInt8] { (try? bytes(digits)) ?? [] }

  static func digits(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }
}
