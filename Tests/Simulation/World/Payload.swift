/// What messages hold: a function of who they are, so that what arrives tells what it must be.
package enum Payload {
  /// A different one for every message there ever is.
  package static func seed(stream: Int, incarnation: UInt64, number: UInt64) -> UInt64 {
    SplitMix.mix(UInt64(stream) << 56 ^ incarnation << 40 ^ number)
  }

  private static func word(_ seed: UInt64, _ index: Int) -> UInt64 {
    (seed ^ UInt64(index)) &* 0x9E37_79B9_7F4A_7C15
  }

  package static func fill(_ buffer: UnsafeMutableRawBufferPointer, seed: UInt64) {
    var offset = 0
    while offset < buffer.count {
      var word = word(seed, offset / 8).littleEndian
      let count = min(8, buffer.count - offset)
      withUnsafeBytes(of: &word) {
        UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + count])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[0..<count]))
      }
      offset += 8
    }
  }

  package static func bytes(_ byteCount: Int, seed: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    bytes.withUnsafeMutableBytes { fill($0, seed: seed) }
    return bytes
  }

  package static func matches(_ payload: RawSpan, seed: UInt64) -> Bool {
    payload.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 8 <= bytes.count {
        guard bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == word(seed, offset / 8).littleEndian
        else { return false }
        offset += 8
      }
      let last = word(seed, offset / 8)
      while offset < bytes.count {
        guard bytes[offset] == UInt8(truncatingIfNeeded: last >> UInt64(8 * (offset % 8))) else { return false }
        offset += 1
      }
      return true
    }
  }
}
