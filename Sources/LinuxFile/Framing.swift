/// Where one message of a byte stream ends and the next begins.
public enum Framing: Hashable, Sendable {
  /// Pieces of `chunkByteCount`, or of what is there when nothing more is.
  case raw(chunkByteCount: Int)
  /// Up to a line feed, which with a carriage return before it is not part of the message. A line
  /// longer than `maximumByteCount` is cut there, and its rest is passed over and reported.
  case lines(maximumByteCount: Int)
  /// A length and that many bytes; the length is not part of the message.
  ///
  /// After a length above `maximumByteCount` nothing tells where the next message begins. It is
  /// reported; a regular file counts as read to its end, any other input is thrown away until
  /// nothing more is there, and the next byte begins a length.
  case lengthPrefixed(LengthPrefix, maximumByteCount: Int)
  /// Lines of NMEA 0183: those whose checksum is missing or does not fit are left out and reported.
  case nmea(maximumByteCount: Int)
  /// Records of one length, each beginning with `start` if there is one. Bytes that don't are passed over and reported.
  case fixed(byteCount: Int, start: [UInt8])
  /// JPEG pictures one after another, each from its start-of-image to its end-of-image marker. What
  /// lies between them is passed over. With a `frameID`, each becomes a `foxglove.CompressedImage`.
  case jpeg(maximumByteCount: Int, frameID: String?)
  /// Pictures of an H.264 byte stream (ITU-T H.264, annex B), each with what comes before it, as
  /// `foxglove.CompressedVideo`. That one is whole shows in the beginning of the next.
  case h264(maximumByteCount: Int, frameID: String)

  /// The largest message, without the head of a picture.
  var maximumByteCount: Int {
    switch self {
    case .raw(let count), .lines(let count), .nmea(let count), .lengthPrefixed(_, let count), .fixed(let count, _),
      .jpeg(let count, _), .h264(let count, _):
      count
    }
  }

  /// The words of a line, which a checksum is not.
  func content(of line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    if case .nmea = self { UnsafeRawBufferPointer(rebasing: line.dropLast(3)) } else { line }
  }

  var isLines: Bool {
    switch self {
    case .lines, .nmea: true
    default: false
    }
  }
}

/// How a message's length is written before it.
public enum LengthPrefix: String, CaseIterable, Hashable, Sendable {
  case u8
  case u16LittleEndian
  case u16BigEndian
  case u32LittleEndian
  case u32BigEndian

  var byteCount: Int {
    switch self {
    case .u8: 1
    case .u16LittleEndian, .u16BigEndian: 2
    case .u32LittleEndian, .u32BigEndian: 4
    }
  }

  /// The length at the start of `bytes`, or `nil` when they are too few.
  func length(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= byteCount else { return nil }
    var value = 0
    for index in 0..<byteCount {
      let isLittle = self == .u16LittleEndian || self == .u32LittleEndian
      value = value << 8 | Int(bytes[isLittle ? byteCount - 1 - index : index])
    }
    return value
  }
}
