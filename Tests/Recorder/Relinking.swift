import STC
import STTChecksum
import STTRecord

/// `file` with every number and hash of its chain worked out anew, as a forger without keys can.
func relinked(_ file: [UInt8]) -> [UInt8] {
  var bytes = file
  var offset = 8
  var since = 0
  var number: UInt64 = 0
  var head = [UInt8](repeating: 0, count: 32)
  while offset + 9 <= bytes.count - 8 {
    let length = (1...8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * ($1 - 1)) }
    let end = offset + 9 + length
    if bytes[offset] == 0x81 {
      let link =
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64($0 * 8)) } + head + digest(Array(bytes[since..<offset]))
      bytes.replaceSubrange(offset + 9..<offset + 9 + 72, with: link)
      var crc = CRC32()
      bytes.withUnsafeBytes { crc.update(unsafe: UnsafeRawBufferPointer(rebasing: $0[offset + 9..<offset + 9 + 104])) }
      bytes.replaceSubrange(
        offset + 9 + 104..<end, with: (0..<4).map { UInt8(truncatingIfNeeded: crc.value >> UInt32($0 * 8)) })
      head = digest(link)
      number += 1
      since = end
    }
    offset = end
  }
  return bytes
}
