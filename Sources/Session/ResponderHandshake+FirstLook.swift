import STC
import STTWire

/// A flood of HELLOs must cost less than sending it (docs/protocol.md 2.5): what most of one consists of is
/// turned away here, from where the kernel put it, before anything is copied or taken apart.
extension ResponderHandshake {
  private static let hintOffset = FrameHeader.byteCount + 72
  private static let tokenOffset = FrameHeader.byteCount + Hello.transcriptByteCount
  private static let macOffset = tokenOffset + 32

  /// Why a HELLO is dropped at once; `nil`: it deserves to be read.
  ///
  /// Drops nothing that would be answered: an unknown hint is only ever answered by RETRY, of which there are so
  /// many a second, and a known one never without mac1.
  mutating func firstLook(
    _ datagram: RawSpan, _ header: FrameHeader, from address: PeerAddress, now: MonotonicTime
  ) -> Rejection? {
    guard datagram.byteCount == HandshakeDatagram.overheadByteCount + Hello.payloadByteCount else { return .malformed }
    let tag = UInt64(bigEndian: datagram.unsafeLoadUnaligned(fromByteOffset: Self.hintOffset, as: UInt64.self))
    guard let entry = hints.find(tag) else {
      return strangers.hasToken(now: now) || hasToken(datagram, from: address) ? nil : .unknownHint
    }
    let keys = peers[entry.pair].peer.keys
    let authentic = keys.hasMAC1(
      header: header.bytesWithoutChecksum, payload: datagram.extracting(FrameHeader.byteCount..<Self.macOffset),
      mac1: datagram.extracting(Self.macOffset..<Self.macOffset + 16))
    return authentic ? nil : .badMAC
  }

  /// Whether it has our token for the address it comes from.
  private func hasToken(_ datagram: RawSpan, from address: PeerAddress) -> Bool {
    let token = datagram.extracting(Self.tokenOffset..<Self.macOffset).withUnsafeBytes { [UInt8]($0) }
    return token.contains { $0 != 0 } && cookieKey.accepts(retryToken: token, address: address.bytes)
  }
}
