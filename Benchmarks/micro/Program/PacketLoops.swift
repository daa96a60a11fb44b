import STC
import STTWire

/// A packet of 1400 bytes and its sealer, as the session has them.
private enum Packet {
  static let byteCount = 1400
  static let suite = Suite.aes256GCM
  static let prefix = DataPrefix.partByteCount

  static var header: FrameHeader {
    FrameHeader(
      type: .data, session: SessionID(rawValue: 1), stream: 1, payloadByteCount: byteCount - FrameHeader.byteCount)
  }

  static func secret() throws -> TrafficSecret {
    let keys = PairKeys(
      seed: try Seed(bytes: (0..<32).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }),
      pair: try Pair(initiatorID: [UInt8](repeating: 1, count: 32), responderID: [UInt8](repeating: 2, count: 32), epoch: 1))
    let zero = Transcript(hash: [UInt8](repeating: 0, count: 32))
    return EarlySecret(keys).handshakeSecret(zero, agreement: nil).masterSecret(h3: zero, h4: zero, encapsulated: nil)
      .sessionKeys.initiatorToResponder
  }

  static func memory() -> UnsafeMutableRawBufferPointer {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    return memory
  }

  static func seal(
    _ sealer: inout PacketSealer<InPlaceEngine>, _ memory: UnsafeMutableRawBufferPointer, _ body: UnsafeRawBufferPointer
  ) {
    _ = sealer.seal(unsafe: memory, header: header, prefix: prefix, body: body)
  }

  static var bodyByteCount: Int { byteCount - SealedDatagram.overheadByteCount - prefix }
}

/// Seals a packet.
final class SealLoop: Micro.Operation {
  private var sealer: PacketSealer<InPlaceEngine>
  private let memory = Packet.memory()
  private let body = Packet.memory()

  init() throws { sealer = PacketSealer(try Packet.secret(), suite: Packet.suite) }

  deinit {
    memory.deallocate()
    body.deallocate()
  }

  func run(_ count: Int) {
    let body = UnsafeRawBufferPointer(rebasing: body[..<Packet.bodyByteCount])
    for _ in 0..<count { Packet.seal(&sealer, memory, body) }
  }
}

/// Reads a packet's header and opens it, from a copy: opening is done in place.
final class OpenLoop: Micro.Operation {
  private var opener: PacketOpener<InPlaceEngine>
  private let sealed = Packet.memory()
  private let memory = Packet.memory()
  private let checksum = HeaderChecksum()

  init() throws {
    let secret = try Packet.secret()
    var sealer = PacketSealer<InPlaceEngine>(secret, suite: Packet.suite)
    opener = PacketOpener(secret, suite: Packet.suite)
    let body = Packet.memory()
    defer { body.deallocate() }
    Packet.seal(&sealer, sealed, UnsafeRawBufferPointer(rebasing: body[..<Packet.bodyByteCount]))
  }

  deinit {
    sealed.deallocate()
    memory.deallocate()
  }

  func run(_ count: Int) throws {
    var checksum = checksum
    for _ in 0..<count {
      memory.copyMemory(from: UnsafeRawBufferPointer(sealed))
      let header = try FrameHeader(datagram: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory)), &checksum)
      // Its number is not accepted: the same packet opens again.
      guard case .opened = opener.open(unsafe: memory, header: header) else {
        throw Micro.Unexpected(description: "a packet does not open")
      }
    }
  }
}

/// Writes a header and reads it.
final class HeaderLoop: Micro.Operation {
  private let memory = Packet.memory()
  private let checksum = HeaderChecksum()

  init() {}

  deinit { memory.deallocate() }

  func run(_ count: Int) throws {
    guard let base = memory.baseAddress else { return }
    var header = Packet.header
    var (written, read) = (checksum, checksum)
    for number in 0..<count {
      header.sequence = UInt32(truncatingIfNeeded: number)
      header.write(unsafe: base, &written)
      let arrived = try FrameHeader(datagram: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory)), &read)
      guard arrived.sequence == header.sequence else { throw Micro.Unexpected(description: "a header changes") }
    }
  }
}
