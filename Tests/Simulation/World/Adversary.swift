import STTChecksum
import STTSession
import STTWire

/// Somebody on the path who has every datagram ever sent, and sends them again: as they were, to the
/// wrong end, cut, changed, and joined with others.
struct Adversary {
  private var random: SplitMix
  private(set) var count = 0
  private static let address = PeerAddress(high: 0, low: 0xFFFF_0A00_0666, port: 666)

  init(seed: UInt64) { random = SplitMix(seed: seed ^ 0xADE5) }

  struct Attack {
    var flight: Link.Flight
    /// Nothing may come of it at all; a copy of a datagram that got lost is only late.
    var isForged: Bool
  }

  mutating func attack(_ history: [Link.Flight]) -> Attack? {
    guard !history.isEmpty else { return nil }
    count += 1
    var flight = history[random.index(below: history.count)]
    if random.chance(percent: 40) { flight.address = random.chance(percent: 50) ? nil : Self.address }
    switch random.index(below: 10) {
    case 0..<5: return Attack(flight: flight, isForged: false)
    case 5:
      flight.toCollector.toggle()
      return Attack(flight: flight, isForged: true)
    case 6: flight.bytes.removeLast(1 + random.index(below: flight.bytes.count - 1))
    case 7:
      let other = history[random.index(below: history.count)].bytes
      let cut = random.index(below: min(flight.bytes.count, other.count))
      guard !flight.bytes.elementsEqual(flight.bytes[..<cut] + other[cut...]),
        !other.elementsEqual(flight.bytes[..<cut] + other[cut...])
      else { return Attack(flight: flight, isForged: false) }
      flight.bytes = Array(flight.bytes[..<cut] + other[cut...])
    default:
      for _ in 0...random.index(below: 3) {
        flight.bytes[random.index(below: flight.bytes.count)] ^= 1 << UInt8(random.index(below: 8))
      }
    }
    let isSame = history.contains { $0.bytes == flight.bytes }
    flight.bytes = Checksums.mended(flight.bytes)
    return Attack(flight: flight, isForged: !isSame && !history.contains { $0.bytes == flight.bytes })
  }
}

/// The checksums of a frame made right again, so that only cryptography can notice.
package enum Checksums {
  package static func mended(_ datagram: [UInt8]) -> [UInt8] {
    guard datagram.count >= FrameHeader.byteCount else { return datagram }
    var bytes = datagram
    let crc16 = CRC16.of(Array(bytes[..<22]).span.bytes)
    bytes[22] = UInt8(truncatingIfNeeded: crc16)
    bytes[23] = UInt8(truncatingIfNeeded: crc16 >> 8)
    guard FrameType(rawValue: bytes[1]).isHandshake, bytes.count >= FrameHeader.byteCount + 4 else { return bytes }
    let crc32 = CRC32.of(Array(bytes.dropLast(4)).span.bytes)
    for index in 0..<4 { bytes[bytes.count - 4 + index] = UInt8(truncatingIfNeeded: crc32 >> UInt32(8 * index)) }
    return bytes
  }
}
