import STTChecksum
import STTWire

/// A datagram's header, and the frame around a handshake payload. Half of all inputs get right checksums, which
/// mutation alone would never find.
func fuzzHeader(_ input: [UInt8]) -> Finding? {
  guard let choice = input.first else { return nil }
  var datagram = Array(input.dropFirst())
  if choice & 1 == 1 { mendChecksums(&datagram) }
  guard let header = try? FrameHeader(datagram: datagram.span.bytes) else { return nil }
  let trailer = header.type.isHandshake ? 4 : 0
  guard Int(header.payloadByteCount) + FrameHeader.byteCount + trailer == datagram.count else {
    return Finding("a header was taken whose length is not the datagram's")
  }
  guard header.type.isHandshake, let payload = try? HandshakeDatagram.payload(of: datagram.span.bytes, header: header)
  else { return nil }
  let again = HandshakeDatagram.encode(header.type, flags: header.flags, session: header.session, payload: payload)
  let isPlain = header.stream == 0 && header.sequence == 0
  return isPlain && again != datagram ? Finding("a handshake datagram has two forms") : nil
}

/// Makes version, length and both checksums what they should be.
func mendChecksums(_ datagram: inout [UInt8]) {
  guard datagram.count >= FrameHeader.byteCount else { return }
  datagram[0] = FrameHeader.version
  let trailer = 1...4 ~= datagram[1] ? 4 : 0
  let length = max(0, datagram.count - FrameHeader.byteCount - trailer)
  for index in 0..<4 { datagram[18 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
  let crc = CRC16.of(datagram.span.bytes.extracting(0..<22))
  datagram[22] = UInt8(truncatingIfNeeded: crc)
  datagram[23] = UInt8(truncatingIfNeeded: crc >> 8)
  guard trailer == 4, datagram.count >= FrameHeader.byteCount + 4 else { return }
  var crc32 = CRC32()
  let covered = datagram.count - 4
  datagram.withUnsafeBytes { crc32.update(unsafe: UnsafeRawBufferPointer(rebasing: $0[..<covered])) }
  for index in 0..<4 { datagram[covered + index] = UInt8(truncatingIfNeeded: crc32.value >> UInt32(8 * index)) }
}

extension FuzzTarget {
  /// The layouts of a target, each with an example; the first byte of an input chooses among them.
  static let layouts: [FuzzTarget: [Layout]] = {
    func named(_ names: String...) -> [Layout] {
      names.flatMap { name in Layout.all.filter { $0.description.hasPrefix(name) } }
    }
    return [
      .hello: named("HELLO"), .response: named("RESPONSE", "RETRY", "biscuit"), .authProof: named("AUTH_PROOF", "proof"),
      .final: named("FINAL"), .parameters: named("session parameters"), .data: named("DATA"),
      .packetAck: named("ACK of packets"), .streamOpen: named("STREAM_OPEN"),
      .control: named(
        "ACK of a stream", "NACK", "KEEP_ALIVE", "REKEY", "IDENTITY", "SKIP", "SEED_UPDATE", "STREAM_FIN", "SESSION_CLOSE",
        "ERROR"),
    ]
  }()
}

/// What is taken is written again as it came, or at least in a form that stays the same from then on.
func fuzzLayouts(_ target: FuzzTarget, _ input: [UInt8]) -> Finding? {
  guard let choice = input.first, let layouts = FuzzTarget.layouts[target], !layouts.isEmpty else { return nil }
  let layout = layouts[Int(choice) % layouts.count]
  let bytes = Array(input.dropFirst())
  guard let once = try? layout.again(bytes) else { return nil }
  if layout.isCanonical { return once == bytes ? nil : Finding("\(layout) came back changed") }
  guard let twice = try? layout.again(once) else { return Finding("\(layout) does not take what it wrote") }
  return once == twice ? nil : Finding("\(layout) changes each time it is written")
}

/// A bundle, and every frame inside it by its own parser.
func fuzzBundle(_ input: [UInt8]) -> Finding? {
  var reader = ByteReader(input.span.bytes)
  while reader.left > 0 {
    let before = reader.left
    guard let frame = try? BundledFrame(&reader), let payload = try? reader.span(Int(frame.payloadByteCount)) else {
      return nil
    }
    guard reader.left < before else { return Finding("a bundled frame of no bytes") }
    guard frame.type != .bundle else { return Finding("a bundle inside a bundle was taken") }
    takeFrame(frame.type, frame.flags, frame.stream, payload)
  }
  return nil
}

private func takeFrame(_ type: FrameType, _ flags: FrameFlags, _ stream: UInt16, _ payload: RawSpan) {
  var reader = ByteReader(payload)
  switch type {
  case .data where flags.contains(.parity): _ = try? ParityPrefix(&reader)
  case .data: _ = try? DataPrefix(&reader, flags: flags)
  case .ack where stream == 0:
    if let ack = try? PacketAck(&reader) { for index in 0..<ack.wordCount { _ = ack.word(index) } }
  case .ack: _ = try? StreamAck(&reader)
  case .nack: _ = try? Nack(&reader)
  case .keepAlive: _ = try? KeepAlive(&reader)
  case .keepAliveAck: _ = try? KeepAliveAck(&reader)
  case .rekeyOffer: _ = try? RekeyOffer(&reader)
  case .rekeyAccept: _ = try? RekeyAccept(&reader)
  case .identity: _ = try? IdentityFrame(&reader)
  case .skip: _ = try? Skip(&reader)
  case .seedUpdate: _ = try? SeedUpdate(&reader)
  case .streamOpen: _ = try? StreamOpen(&reader)
  case .streamClose, .streamFin: _ = try? StreamEnd(&reader)
  case .sessionClose: _ = try? SessionClose(&reader)
  case .error: _ = try? ErrorFrame(&reader)
  default: break
  }
}
