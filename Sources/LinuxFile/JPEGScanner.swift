/// Finds where a JPEG picture ends, in bytes that come in pieces (ITU-T T.81, annex B).
///
/// Segments are passed over by their lengths: an EXIF thumbnail is a whole JPEG inside one.
struct JPEGScanner {
  enum Step: Equatable {
    /// The first bytes belong to no picture.
    case garbage(Int)
    /// The picture's last byte is among these, and this many of them are its own.
    case picture(Int)
    /// All of them belong to a picture that goes on.
    case partial
    /// The picture makes no sense at this byte; the search for another goes on behind it.
    case broken(Int)
  }

  private enum State {
    /// Before FF D8; `true` after an FF.
    case hunting(Bool)
    /// Where a marker's FF must stand, and `true` after it.
    case marker(Bool)
    /// In the two bytes of a segment's length; the first one when it came.
    case length(UInt8?, isScan: Bool)
    /// This many bytes of a segment are left.
    case segment(Int, isScan: Bool)
    /// In the compressed data; `true` after an FF.
    case data(Bool)
  }

  private var state = State.hunting(false)

  var isInPicture: Bool {
    if case .hunting = state { return false }
    return true
  }

  mutating func reset() { state = .hunting(false) }

  /// Looks at bytes that follow those of the last call; of garbage and after a picture, those not
  /// counted come again.
  mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Step {
    if case .hunting = state {
      let start = hunt(bytes)
      if start > 0 || !isInPicture { return .garbage(start) }
      return follow(bytes, from: 2)
    }
    return follow(bytes, from: 0)
  }

  /// How many bytes come before FF D8. A last FF is kept: D8 may follow.
  private mutating func hunt(_ bytes: UnsafeRawBufferPointer) -> Int {
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0xFF {
        guard index + 1 < bytes.count else { return index }
        if bytes[index + 1] == 0xD8 {
          if index == 0 { state = .marker(false) }
          return index
        }
      }
      index += 1
    }
    return bytes.count
  }

  private mutating func follow(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Step {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      switch state {
      case .hunting: return .partial
      case .segment(let left, let isScan):
        let passed = min(left, bytes.count - index)
        index += passed
        state = left > passed ? .segment(left - passed, isScan: isScan) : isScan ? .data(false) : .marker(false)
        continue
      case .length(nil, let isScan): state = .length(byte, isScan: isScan)
      case .length(.some(let high), let isScan):
        // The length counts its own two bytes.
        let count = Int(high) << 8 | Int(byte)
        guard count >= 2 else { return fail(index) }
        state = count > 2 ? .segment(count - 2, isScan: isScan) : isScan ? .data(false) : .marker(false)
      case .marker(false):
        guard byte == 0xFF else { return fail(index) }
        state = .marker(true)
      case .marker(true):
        // FF may be repeated as filling.
        if byte == 0xFF { break }
        guard byte != 0 else { return fail(index) }
        if enter(byte) { return .picture(index + 1) }
      case .data(false):
        guard let next = bytes[index...].firstIndex(of: 0xFF) else { return .partial }
        index = next
        state = .data(true)
      case .data(true):
        switch byte {
        case 0, 0xD0...0xD7: state = .data(false)
        case 0xFF: break
        default: if enter(byte) { return .picture(index + 1) }
        }
      }
      index += 1
    }
    return .partial
  }

  /// Goes on behind a marker; whether it was the picture's end.
  private mutating func enter(_ marker: UInt8) -> Bool {
    switch marker {
    case 0xD9:
      reset()
      return true
    // TEM, RST and a repeated SOI stand alone.
    case 0x01, 0xD0...0xD8: state = .marker(false)
    default: state = .length(nil, isScan: marker == 0xDA)
    }
    return false
  }

  private mutating func fail(_ index: Int) -> Step {
    reset()
    return .broken(index)
  }
}
