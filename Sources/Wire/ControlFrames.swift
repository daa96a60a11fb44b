/// SKIP: messages below `upTo` that were not delivered never will be (docs/protocol.md 2.2).
/// `up_to_message u64 | reason u8`.
public struct Skip: Hashable, Sendable {
  public static let byteCount = 9

  public enum Reason: UInt8, Hashable, Sendable {
    /// The message's deadline passed.
    case deadline = 1
    /// The sender's own store had no room left.
    case overflow = 2
    /// A newer message replaced it.
    case superseded = 3
  }

  public var upTo: UInt64
  public var reason: UInt8

  public init(upTo: UInt64, reason: UInt8) {
    self.upTo = upTo
    self.reason = reason
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    upTo = try reader.messageNumber()
    reason = try reader.u8()
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u64(upTo)
    writer.u8(reason)
  }
}

/// STREAM_CLOSE and STREAM_FIN: `reason u8 | last_message u64` (docs/protocol.md 2.2).
public struct StreamEnd: Hashable, Sendable {
  public static let byteCount = 9

  public var reason: UInt8
  /// One past the stream's last message.
  public var end: UInt64

  public init(reason: UInt8, end: UInt64) {
    self.reason = reason
    self.end = end
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    reason = try reader.u8()
    end = try reader.messageNumber()
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u8(reason)
    writer.u64(end)
  }
}

/// Why a session ends.
public enum CloseReason: UInt8, Hashable, Sendable {
  /// The program stops; the peer may come back.
  case shutdown = 0
  /// The peer broke the protocol.
  case protocolViolation = 1
  /// A newer session of the same pair took over.
  case replaced = 2
  /// A key reached its limit.
  case keyLimit = 3
  /// The peer sent more than it was allowed.
  case flowControl = 4
  /// The peer's identity is not the one that is known, or it showed none.
  case identity = 5
}

/// SESSION_CLOSE: `reason u8 | UTF-8 text of at most 128 bytes` (docs/protocol.md 2.2).
public struct SessionClose: Hashable, Sendable {
  public static let longestText = 128

  public var reason: UInt8
  public var text: String

  public init(reason: UInt8, text: String) {
    self.reason = reason
    self.text = text
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    reason = try reader.u8()
    text = try limitedText(&reader)
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u8(reason)
    writer.bytes(limitedUTF8(text))
  }
}

/// ERROR: `code u16 | UTF-8 text of at most 128 bytes`, always inside the AEAD (docs/protocol.md 2.2).
public struct ErrorFrame: Hashable, Sendable {
  public var code: UInt16
  public var text: String

  public init(code: UInt16, text: String) {
    self.code = code
    self.text = text
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    code = try reader.u16()
    text = try limitedText(&reader)
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u16(code)
    writer.bytes(limitedUTF8(text))
  }
}

/// The text's first bytes, cut between characters: what is written must be read as UTF-8.
private func limitedUTF8(_ text: String) -> [UInt8] {
  var bytes: [UInt8] = []
  for scalar in text.unicodeScalars {
    let encoded = Array(String(scalar).utf8)
    if bytes.count + encoded.count > SessionClose.longestText { break }
    bytes += encoded
  }
  return bytes
}

private func limitedText(_ reader: inout ByteReader) throws(WireError) -> String {
  guard reader.left <= SessionClose.longestText else { throw .trailingBytes }
  guard let text = String(validating: try reader.array(reader.left), as: UTF8.self) else { throw .notUTF8 }
  return text
}
