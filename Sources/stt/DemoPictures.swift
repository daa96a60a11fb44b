/// A short film of small grey JPEG pictures, so that the demonstration has frames where there is no
/// camera: a bar that moves.
///
/// Baseline JPEG (ITU-T T.81) with every coefficient but the first of a block zero: each 8×8 block
/// has one brightness, which is all a moving bar needs.
enum DemoPictures {
  private static let blocksWide = 40
  private static let blocksHigh = 30
  private static let frameCount = 40

  /// All pictures, one after the other.
  static func stream() -> [UInt8] { (0..<frameCount).flatMap(picture) }

  private static func picture(_ frame: Int) -> [UInt8] {
    var bytes: [UInt8] = [0xFF, 0xD8]
    // DQT: all ones, so that coefficients are what they are.
    bytes += [0xFF, 0xDB, 0, 67, 0] + [UInt8](repeating: 1, count: 64)
    let (width, height) = (blocksWide * 8, blocksHigh * 8)
    // SOF0: 8 bits, one component, no subsampling.
    bytes += [
      0xFF, 0xC0, 0, 11, 8, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255), 1, 1, 0x11, 0,
    ]
    // DHT for DC: twelve categories of four bits each; for AC: one symbol, end of block, of one bit.
    bytes += [0xFF, 0xC4, 0, 31, 0x00, 0, 0, 0, 12] + [UInt8](repeating: 0, count: 12) + (0..<12).map { UInt8($0) }
    bytes += [0xFF, 0xC4, 0, 20, 0x10, 1] + [UInt8](repeating: 0, count: 15) + [0]
    bytes += [0xFF, 0xDA, 0, 8, 1, 1, 0x00, 0, 63, 0]
    bytes += scan(frame)
    return bytes + [0xFF, 0xD9]
  }

  private static func scan(_ frame: Int) -> [UInt8] {
    var bits = BitWriter()
    var previous = 0
    for row in 0..<blocksHigh {
      for place in 0..<blocksWide {
        let isBar = (place + blocksWide - frame) % blocksWide < 4
        let brightness = isBar ? 127 : row * 4 - 100
        // A block's first coefficient is eight times its brightness.
        let difference = brightness * 8 - previous
        previous = brightness * 8
        let size = Int.bitWidth - abs(difference).leadingZeroBitCount
        bits.append(size, count: 4)
        bits.append(difference < 0 ? difference + (1 << size) - 1 : difference, count: size)
        bits.append(0, count: 1)
      }
    }
    return bits.finish()
  }
}

/// Entropy-coded bits, most significant first, with a zero after every 0xFF.
private struct BitWriter {
  private var bytes: [UInt8] = []
  private var pending = 0
  private var count = 0

  mutating func append(_ value: Int, count length: Int) {
    for bit in (0..<length).reversed() {
      pending = pending << 1 | value >> bit & 1
      count += 1
      if count == 8 { flush() }
    }
  }

  private mutating func flush() {
    bytes.append(UInt8(pending))
    if pending == 0xFF { bytes.append(0) }
    (pending, count) = (0, 0)
  }

  mutating func finish() -> [UInt8] {
    while count > 0 { append(1, count: 1) }
    return bytes
  }
}
