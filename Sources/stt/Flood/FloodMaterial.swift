import Glibc
import STC
import STTSession
import STTWire

/// The datagrams of a flood, made before it so that sending is all it costs.
enum FloodMaterial {
  private static let count = 8192

  /// HELLOs that are right in every way but that nobody made them.
  static func hellos(hints: [[UInt8]], tokens: Bool) -> [[UInt8]] {
    var random = SystemRandomNumberGenerator()
    return (0..<count).map { index in
      let hint = hints.isEmpty ? random.bytes(16) : hints[index % hints.count] + random.bytes(8)
      var token = [UInt8](repeating: 0, count: 32)
      // Keys of tokens are counted from 0: an attacker guesses which is in use.
      if tokens, index % 2 == 1 { token = [UInt8(index / 2 % 4)] + random.bytes(31) }
      let hello = Hello(
        modes: 3, suites: 3, maximumDatagram: 1200, nonce: random.bytes(32), ephemeral: random.bytes(32), keyHint: hint,
        sealed: random.bytes(48), retryToken: token, mac1: random.bytes(16))
      return HandshakeDatagram.encode(.hello, session: .none, payload: hello.payload)
    }
  }

  /// Datagrams of a session's name and present key that nobody sealed.
  static func junk(like sealed: [UInt8]) -> [[UInt8]] {
    var random = SystemRandomNumberGenerator()
    guard let known = try? FrameHeader(datagram: sealed.span.bytes) else { return [] }
    return (0..<1024).map { _ in
      let body = random.bytes(1176)
      let header = FrameHeader(
        type: .bundle, flags: known.flags.union(.encrypted), session: known.session, payloadByteCount: body.count)
      var datagram = [UInt8](repeating: 0, count: FrameHeader.byteCount) + body
      datagram.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        header.write(unsafe: base)
        // A number ahead of all that were sent, so that the replay window lets it through.
        base.storeBytes(
          of: UInt64.random(in: 1 << 40..<1 << 50, using: &random).littleEndian, toByteOffset: FrameHeader.byteCount,
          as: UInt64.self)
      }
      return datagram
    }
  }

  static func write(_ datagrams: [[UInt8]], to path: String) throws {
    guard let file = fopen(path, "w") else { throw BenchRun.ChildFailed(which: "flooding") }
    for datagram in datagrams {
      let bytes = [UInt8(datagram.count & 0xFF), UInt8(datagram.count >> 8)] + datagram
      fwrite(bytes, 1, bytes.count, file)
    }
    guard fclose(file) == 0 else { throw BenchRun.ChildFailed(which: "flooding") }
  }

  /// In memory that lasts as long as the process.
  static func read(_ path: String) throws -> [UnsafeMutableRawBufferPointer] {
    guard let file = fopen(path, "r") else { throw BenchRun.ChildFailed(which: "flooding") }
    defer { fclose(file) }
    var datagrams: [UnsafeMutableRawBufferPointer] = []
    var head: [UInt8] = [0, 0]
    while fread(&head, 1, 2, file) == 2 {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(head[0]) | Int(head[1]) << 8, alignment: 16)
      guard fread(memory.baseAddress, 1, memory.count, file) == memory.count else { break }
      datagrams.append(memory)
    }
    return datagrams
  }
}
