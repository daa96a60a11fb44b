/// One H.264 picture as cameras write it (ITU-T H.264, Annex B), on its way into a container.
struct H264AccessUnit {
  private var units: [Range<Int>] = []
  private let bytes: [UInt8]

  init(_ span: RawSpan) {
    bytes = span.withUnsafeBytes { [UInt8]($0) }
    var start: Int?
    var at = 0
    while at + 3 <= bytes.count {
      guard bytes[at] == 0, bytes[at + 1] == 0, bytes[at + 2] == 1 else {
        at += 1
        continue
      }
      if let start { append(start..<at) }
      start = at + 3
      at += 3
    }
    if let start { append(start..<bytes.count) }
  }

  private mutating func append(_ range: Range<Int>) {
    var end = range.upperBound
    // A longer start code begins with a zero more, which is none of the unit before it.
    while end > range.lowerBound, bytes[end - 1] == 0 { end -= 1 }
    if end > range.lowerBound { units.append(range.lowerBound..<end) }
  }

  private func type(_ unit: Range<Int>) -> UInt8 { bytes[unit.lowerBound] & 31 }

  private func first(_ type: UInt8) -> ArraySlice<UInt8>? { units.first { self.type($0) == type }.map { bytes[$0] } }

  /// Whether it needs no picture before it: it has an IDR slice.
  var isKey: Bool { units.contains { type($0) == 5 } }

  /// Every unit with its length before it, as containers have them.
  var lengthPrefixed: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + 8)
    for unit in units {
      let count = UInt32(truncatingIfNeeded: unit.count)
      result += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
      result += bytes[unit]
    }
    return result
  }

  /// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1); `nil` without both parameter sets.
  var decoderConfiguration: [UInt8]? {
    guard let sequence = first(7), let picture = first(8), sequence.count >= 4, sequence.count < 65_536,
      picture.count < 65_536
    else { return nil }
    let profile = Array(sequence.dropFirst().prefix(3))
    var record: [UInt8] = [1] + profile + [0xFF, 0xE1]
    record += [UInt8(sequence.count >> 8), UInt8(sequence.count & 255)] + sequence
    record += [1, UInt8(picture.count >> 8), UInt8(picture.count & 255)] + picture
    return record
  }

  /// The pictures' size after cropping, from the sequence's parameters (7.3.2.1.1).
  var size: (width: UInt32, height: UInt32)? { first(7).flatMap { H264Parameters.size($0.dropFirst()) } }
}

/// Bits of a sequence parameter set, without the bytes that only prevent start codes.
private struct H264Parameters {
  private var bytes: [UInt8] = []
  private var position = 0
  private var isShort = false

  static func size(_ set: ArraySlice<UInt8>) -> (width: UInt32, height: UInt32)? {
    var bits = H264Parameters()
    var zeros = 0
    for byte in set {
      if zeros >= 2, byte == 3 {
        zeros = 0
        continue
      }
      zeros = byte == 0 ? zeros + 1 : 0
      bits.bytes.append(byte)
    }
    return bits.readSize()
  }

  private mutating func bit() -> UInt32 {
    guard position < bytes.count * 8 else {
      isShort = true
      return 0
    }
    defer { position += 1 }
    return UInt32(bytes[position / 8] >> UInt8(7 - position % 8)) & 1
  }

  private mutating func bits(_ count: Int) -> UInt32 { (0..<count).reduce(0) { value, _ in value << 1 | bit() } }

  /// Exp-Golomb, unsigned (9.1).
  private mutating func golomb() -> UInt32 {
    var zeros = 0
    while bit() == 0, !isShort, zeros < 31 { zeros += 1 }
    return (1 << UInt32(zeros)) - 1 + bits(zeros)
  }

  private mutating func skipScalingList(_ count: Int) {
    var (last, next) = (8, 8)
    for _ in 0..<count {
      if next != 0 {
        let code = golomb()
        let delta = code & 1 == 1 ? Int(code / 2) + 1 : -Int(code / 2)
        next = (last + delta % 256 + 256) % 256
      }
      if next != 0 { last = next }
    }
  }

  private mutating func readSize() -> (width: UInt32, height: UInt32)? {
    let profile = bits(8)
    _ = bits(16)
    _ = golomb()
    var chroma: UInt32 = 1
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(profile) {
      chroma = golomb()
      if chroma == 3 { _ = bit() }
      _ = golomb()
      _ = golomb()
      _ = bit()
      if bit() == 1 {
        for list in 0..<(chroma == 3 ? 12 : 8) where bit() == 1 { skipScalingList(list < 6 ? 16 : 64) }
      }
    }
    _ = golomb()
    let order = golomb()
    if order == 0 {
      _ = golomb()
    } else if order == 1 {
      _ = bit()
      _ = golomb()
      _ = golomb()
      let count = golomb()
      guard count < 256 else { return nil }
      for _ in 0..<count { _ = golomb() }
    }
    _ = golomb()
    _ = bit()
    let (columns, rows) = (golomb(), golomb())
    let isFrame = bit() == 1
    if !isFrame { _ = bit() }
    _ = bit()
    var crop: [UInt32] = [0, 0, 0, 0]
    if bit() == 1 { crop = (0..<4).map { _ in golomb() } }
    guard !isShort, columns < 4096, rows < 4096, crop.allSatisfy({ $0 < 65_536 }) else { return nil }
    let stepX: UInt32 = chroma == 1 || chroma == 2 ? 2 : 1
    let stepY: UInt32 = (chroma == 1 ? 2 : 1) * (isFrame ? 1 : 2)
    let width = (columns + 1) * 16
    let height = (rows + 1) * 16 * (isFrame ? 1 : 2)
    let (cutX, cutY) = ((crop[0] + crop[1]) * stepX, (crop[2] + crop[3]) * stepY)
    guard cutX < width, cutY < height else { return nil }
    return (width - cutX, height - cutY)
  }
}
