/// Finds where a picture ends in an H.264 byte stream that comes in pieces (ITU-T H.264, annex B and 7.4.1.2.3).
///
/// A picture ends where the next begins: with a delimiter, parameter sets or supplementary information after a slice, or
/// with a slice whose first macroblock is the picture's first.
struct H264Scanner {
  private enum State {
    /// Before a start code.
    case hunting
    /// In a unit, after so many zeros, at most 3.
    case unit(zeros: Int)
    /// Before a unit's header, behind a start code of so many bytes.
    case header(code: Int)
    /// Before the first byte of a slice's header.
    case slice(code: Int)
  }

  private var state = State.hunting
  /// Whether the picture has a slice.
  private(set) var hasSlice = false

  var isInPicture: Bool {
    if case .hunting = state { return false }
    return true
  }

  mutating func reset() {
    state = .hunting
    hasSlice = false
  }

  /// Looks at bytes that follow those of the last call; of garbage and after a picture, those not counted come again.
  /// The count of a picture is negative when its last bytes came with an earlier call.
  mutating func scan(_ bytes: UnsafeRawBufferPointer) -> JPEGScanner.Step {
    if case .hunting = state {
      let start = hunt(bytes)
      if start > 0 || !isInPicture { return .garbage(start) }
    }
    for (index, byte) in bytes.enumerated() {
      switch state {
      case .hunting: return .partial
      case .unit(let zeros):
        if byte == 1, zeros >= 2 {
          state = .header(code: zeros + 1)
        } else {
          state = .unit(zeros: byte == 0 ? min(zeros + 1, 3) : 0)
        }
      case .header(let code):
        switch byte & 0x1F {
        case 1, 5: state = .slice(code: code)
        // Delimiter, parameter sets, supplementary information and what is kept for their like.
        case 6...9, 14...18:
          if hasSlice { return end(index - code) }
          state = .unit(zeros: 0)
        default: state = .unit(zeros: byte == 0 ? 1 : 0)
        }
      case .slice(let code):
        // Exp-Golomb: the number 0 is a single 1.
        if hasSlice, byte & 0x80 != 0 { return end(index - 1 - code) }
        hasSlice = true
        state = .unit(zeros: byte == 0 ? 1 : 0)
      }
    }
    return .partial
  }

  private mutating func end(_ count: Int) -> JPEGScanner.Step {
    reset()
    return .picture(count)
  }

  /// How many bytes come before a start code; zeros at the end are kept, they may begin one.
  private mutating func hunt(_ bytes: UnsafeRawBufferPointer) -> Int {
    var zeros = 0
    for (index, byte) in bytes.enumerated() {
      if byte == 1, zeros >= 2 {
        if index == zeros { state = .unit(zeros: 0) }
        return index - zeros
      }
      zeros = byte == 0 ? min(zeros + 1, 3) : 0
    }
    return bytes.count - zeros
  }
}

/// Finds pictures in a stream of one format.
enum PictureScanner {
  case jpeg(JPEGScanner)
  case h264(H264Scanner)

  mutating func scan(_ bytes: UnsafeRawBufferPointer) -> JPEGScanner.Step {
    switch self {
    case .jpeg(var scanner):
      defer { self = .jpeg(scanner) }
      return scanner.scan(bytes)
    case .h264(var scanner):
      defer { self = .h264(scanner) }
      return scanner.scan(bytes)
    }
  }

  var isInPicture: Bool {
    switch self {
    case .jpeg(let scanner): scanner.isInPicture
    case .h264(let scanner): scanner.isInPicture
    }
  }

  /// Whether what is there is a picture if nothing more comes.
  var isWholeAtEnd: Bool {
    switch self {
    case .jpeg: false
    case .h264(let scanner): scanner.hasSlice
    }
  }

  mutating func reset() {
    switch self {
    case .jpeg: self = .jpeg(JPEGScanner())
    case .h264: self = .h264(H264Scanner())
    }
  }
}
