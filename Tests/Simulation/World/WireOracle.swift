import STC
import STTSession
import STTWire

/// Watches every datagram both ends send: no packet number may be used twice under one key, and no
/// handshake message may be sealed twice under one nonce with other contents (docs/protocol.md 2.3, 2.5).
package struct WireOracle {
  private struct Direction: Hashable {
    var root: SessionID
    var fromDevice: Bool
  }

  private struct Named {
    var root: SessionID
    var index: UInt32
  }

  /// A handshake message and what its nonce depends on.
  private struct HandshakeKey: Hashable {
    var type: UInt8
    var identity: [UInt8]
  }

  private var names: [SessionID: Named] = [:]
  private var keys: [SessionID: SessionKeys] = [:]
  private var next: [Direction: UInt64] = [:]
  private var counts: [Direction: UInt64] = [:]
  private var handshakes: [HandshakeKey: Int] = [:]
  package private(set) var sealedCount = 0
  /// The session the device sent its last sealed datagram in.
  private(set) var lastFromDevice: SessionID?

  package init() {}

  mutating func established(_ established: Established) {
    keys[established.session] = established.keys
    names[established.session] = Named(root: established.session, index: 0)
    names[established.keys.alias(1)] = Named(root: established.session, index: 1)
  }

  /// Takes note of a datagram; answers what is wrong with it.
  mutating func note(_ bytes: [UInt8], fromDevice: Bool) -> String? {
    guard let header = try? FrameHeader(datagram: bytes.span.bytes) else { return "a datagram that is no frame was sent" }
    return header.type.isHandshake
      ? noteHandshake(bytes, header) : noteSealed(bytes, header.session, fromDevice: fromDevice)
  }

  private mutating func noteSealed(_ bytes: [UInt8], _ name: SessionID, fromDevice: Bool) -> String? {
    sealedCount += 1
    guard let named = names[name] else { return "a sealed datagram under a name nobody agreed on" }
    if named.index > 0, let keys = keys[named.root] {
      let following = keys.alias(named.index + 1)
      if names[following] == nil { names[following] = Named(root: named.root, index: named.index + 1) }
    }
    if fromDevice { lastFromDevice = named.root }
    let direction = Direction(root: named.root, fromDevice: fromDevice)
    let number = bytes.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: FrameHeader.byteCount, as: UInt64.self))
    }
    let expected = next[direction] ?? 0
    next[direction] = number + 1
    counts[direction, default: 0] += 1
    return number >= expected ? nil : "packet number \(number) was used again (\(fromDevice ? "device" : "collector"))"
  }

  /// Whether an end took more packets of a session than the other ever sent: a replay was accepted.
  func acceptsReplays(session: SessionID, fromDevice: Bool, received: UInt64) -> Bool {
    received > counts[Direction(root: session, fromDevice: fromDevice)] ?? 0
  }

  private mutating func noteHandshake(_ bytes: [UInt8], _ header: FrameHeader) -> String? {
    if header.flags.contains(.retry) { return nil }
    let payload = FrameHeader.byteCount
    let identity: [UInt8]
    var content = bytes[...]
    switch header.type {
    case .hello:
      // The nonce; only the retry token, the MAC over it and the checksum change.
      identity = Array(bytes[payload + 8..<payload + 40])
      content = bytes[..<(payload + Hello.transcriptByteCount)]
    case .authProof: identity = Array(bytes[4..<12]) + [bytes[payload + 8]]
    default: identity = Array(bytes[4..<12])
    }
    let digest = content.hashValue
    let known = handshakes.updateValue(digest, forKey: HandshakeKey(type: header.type.rawValue, identity: identity))
    return known == nil || known == digest ? nil : "a handshake message was sealed twice under one nonce"
  }
}
