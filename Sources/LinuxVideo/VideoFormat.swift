/// A picture format this program can hand on.
public enum VideoFormat: String, CaseIterable, Hashable, Sendable {
  case mjpeg
  case h264
  case yuyv
  case nv12
  case rgb24
  case grey

  /// In the order `auto` prefers them: the smallest first, the plainest last. H.264 is not among
  /// them, because a reader that begins in its middle sees nothing until the next key frame.
  public static let automatic: [VideoFormat] = [.mjpeg, .yuyv, .nv12, .rgb24, .grey]

  /// Whether a picture is a `foxglove.CompressedImage`, else a `foxglove.RawImage`.
  public var isCompressed: Bool { self == .mjpeg || self == .h264 }

  /// V4L2's four characters.
  var fourCC: FourCC {
    switch self {
    case .mjpeg: FourCC("MJPG")
    case .h264: FourCC("H264")
    case .yuyv: FourCC("YUYV")
    case .nv12: FourCC("NV12")
    case .rgb24: FourCC("RGB3")
    case .grey: FourCC("GREY")
    }
  }

  /// Other four characters for the same bytes: some cameras call their JPEG pictures so.
  var otherFourCC: FourCC? { self == .mjpeg ? FourCC("JPEG") : nil }

  /// What foxglove's types call it.
  var encoding: String {
    switch self {
    case .mjpeg: "jpeg"
    case .h264: "h264"
    case .yuyv: "yuv422_yuy2"
    case .nv12: "nv12"
    case .rgb24: "rgb8"
    case .grey: "mono8"
    }
  }

  /// Bytes of a row of `width` pixels without padding; 0 when there are no rows.
  func rowByteCount(width: Int) -> Int {
    switch self {
    case .mjpeg, .h264: 0
    case .yuyv: width * 2
    case .nv12, .grey: width
    case .rgb24: width * 3
    }
  }
}

/// Four characters that name a format, the first in the lowest byte.
public struct FourCC: Hashable, Sendable, CustomStringConvertible {
  public let code: UInt32

  public init(code: UInt32) { self.code = code }

  init(_ text: StaticString) {
    precondition(text.utf8CodeUnitCount == 4, "four characters make a code")
    code = (0..<4).reduce(0) { $0 | UInt32(text.utf8Start[$1]) << UInt32($1 * 8) }
  }

  public var description: String {
    (0..<4).map { index in
      let byte = UInt8(truncatingIfNeeded: code >> UInt32(index * 8))
      return byte >= 0x20 && byte < 0x7F ? String(Unicode.Scalar(byte)) : "?"
    }.joined()
  }
}
