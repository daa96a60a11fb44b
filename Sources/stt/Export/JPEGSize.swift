/// A JPEG picture's size, from its frame header (ITU-T T.81, B.2.2).
enum JPEGSize {
  static func of(_ picture: RawSpan) -> (width: UInt32, height: UInt32)? {
    picture.withUnsafeBytes { bytes in
      var at = 2
      while at + 9 <= bytes.count, bytes[at] == 0xFF {
        let marker = bytes[at + 1]
        if marker == 0xFF {
          at += 1
          continue
        }
        let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
        // SOF0 to SOF15, without DHT, JPG and DAC.
        if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
          let height = UInt32(bytes[at + 5]) << 8 | UInt32(bytes[at + 6])
          let width = UInt32(bytes[at + 7]) << 8 | UInt32(bytes[at + 8])
          return width > 0 && height > 0 ? (width, height) : nil
        }
        guard length >= 2 else { return nil }
        at += 2 + length
      }
      return nil
    }
  }
}
