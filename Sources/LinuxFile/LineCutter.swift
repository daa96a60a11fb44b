/// Finds lines in bytes that come in pieces.
struct LineCutter {
  enum Step: Equatable {
    /// The first `byteCount` bytes are a line, `consumed` bytes belong to it.
    case line(byteCount: Int, consumed: Int, isCut: Bool)
    /// These bytes are the rest of a line that was cut.
    case skip(Int)
    case more
  }

  let maximumByteCount: Int
  private var isSkipping = false

  init(maximumByteCount: Int) { self.maximumByteCount = maximumByteCount }

  mutating func next(in bytes: UnsafeRawBufferPointer) -> Step {
    let lineFeed = bytes.firstIndex(of: UInt8(ascii: "\n"))
    if isSkipping {
      if let lineFeed {
        isSkipping = false
        return .skip(lineFeed + 1)
      }
      return bytes.isEmpty ? .more : .skip(bytes.count)
    }
    if let lineFeed {
      let end = lineFeed > 0 && bytes[lineFeed - 1] == UInt8(ascii: "\r") ? lineFeed - 1 : lineFeed
      if end <= maximumByteCount { return .line(byteCount: end, consumed: lineFeed + 1, isCut: false) }
      return .line(byteCount: maximumByteCount, consumed: lineFeed + 1, isCut: true)
    }
    // One byte more than fits may be the carriage return.
    guard bytes.count > maximumByteCount + 1 else { return .more }
    return .line(byteCount: maximumByteCount, consumed: maximumByteCount, isCut: true)
  }

  /// Goes on behind a line that was taken.
  mutating func take(byteCount: Int, consumed: Int, isCut: Bool) {
    // Cut before its line feed was seen.
    isSkipping = isCut && consumed == byteCount
  }

  /// What an input that ended without a line feed left: its last line, or nothing.
  mutating func end(_ bytes: UnsafeRawBufferPointer) -> Step {
    defer { isSkipping = false }
    if isSkipping || bytes.isEmpty { return .skip(bytes.count) }
    return .line(
      byteCount: min(bytes.count, maximumByteCount), consumed: bytes.count, isCut: bytes.count > maximumByteCount)
  }

  /// Passes over everything up to the next line feed.
  mutating func skipLine() { isSkipping = true }

  mutating func reset() { isSkipping = false }
}
