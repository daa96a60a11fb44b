import STTSession
import STTWire

/// A handshake whose messages are repeated, lost, reordered and changed. Nothing changed has an effect.
func fuzzHandshake(_ input: [UInt8]) -> Finding? {
  var reader = InputReader(input)
  guard var bench = reader.u8() % 16 == 0 ? HandshakeTemplates.hybrid : HandshakeTemplates.seed else {
    return Finding("no handshake could be begun")
  }
  var sent: [[UInt8]] = []
  var replies: [[UInt8]] = []
  for _ in 0..<40 where !reader.isEmpty {
    switch reader.u8() % 8 {
    case 0, 1: sent += bench.initiator.datagrams(now: bench.now)
    case 2:
      if let datagram = pick(sent, reader.u8()) { bench.toResponder(datagram) }
    case 3:
      if let datagram = pick(replies, reader.u8()) { bench.toInitiator(datagram) }
    case 4:
      guard var datagram = pick(sent, reader.u8()) else { break }
      let genuine = datagram
      change(&datagram, &reader)
      let had = bench.responded?.session
      switch bench.toResponder(datagram) {
      case .established where datagram != genuine: return Finding("a changed proof was taken")
      // Later the answer to a proof already taken goes by its payload alone; it keeps nothing.
      case .pending where datagram != genuine && had == nil: return Finding("a changed part was kept")
      default: break
      }
      if had != bench.responded?.session, datagram != genuine { return Finding("a changed message made a session") }
    case 5:
      guard var datagram = pick(replies, reader.u8()) else { break }
      let genuine = datagram
      change(&datagram, &reader)
      if case .established = bench.toInitiator(datagram), datagram != genuine { return Finding("a changed FINAL was taken") }
    case 6: bench.now = bench.now + UInt64(reader.u8()) * 20_000_000
    default:
      var datagram = reader.bytes(Int(reader.u16() % 1300))
      mendChecksums(&datagram)
      if reader.u8() & 1 == 0 { bench.toResponder(datagram) } else { bench.toInitiator(datagram) }
    }
    replies += bench.takeReplies()
    if let initiated = bench.initiated, initiated.session != bench.responded?.session {
      return Finding("the two sides have different sessions")
    }
  }
  return nil
}

private enum HandshakeTemplates {
  static let seed = HandshakeBench(hybrid: false)
  static let hybrid = HandshakeBench(hybrid: true)
}

private func pick(_ datagrams: [[UInt8]], _ choice: UInt8) -> [UInt8]? {
  datagrams.isEmpty ? nil : datagrams[datagrams.count - 1 - Int(choice) % datagrams.count]
}

/// Changes, cuts or extends a datagram, and mends its checksums so that more than they is tried.
private func change(_ datagram: inout [UInt8], _ reader: inout InputReader) {
  for _ in 0...reader.u8() % 3 where !datagram.isEmpty { datagram[Int(reader.u16()) % datagram.count] ^= reader.u8() }
  let length = reader.u8()
  if length & 0xF0 == 0xF0 { datagram.removeLast(min(datagram.count, Int(length & 15))) }
  if length & 0xF0 == 0xE0 { datagram += reader.bytes(Int(length & 15)) }
  mendChecksums(&datagram)
}
