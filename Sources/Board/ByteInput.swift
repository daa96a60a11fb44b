/// A file or character device read as it comes.
public struct FileInput: Hashable, Sendable {
  public var path: String
  public var cutting: MessageCutting
  /// Starts again at the file's end.
  public var loop: Bool
  /// Messages per second; `nil`: as fast as the device gives and the session takes.
  public var rateHertz: Double?
}

/// A serial line.
public struct SerialInput: Hashable, Sendable {
  public enum Parity: String, CaseIterable, Hashable, Sendable { case none, even, odd }
  public enum FlowControl: String, CaseIterable, Hashable, Sendable {
    case none
    case hardware = "rts-cts"
    case software = "xon-xoff"
  }

  public var device: String
  public var baud: Int
  public var dataBits: Int
  public var parity: Parity
  public var stopBits: Int
  public var flowControl: FlowControl
  public var cutting: MessageCutting
}

/// A UNIX socket that another program listens at.
public struct SocketInput: Hashable, Sendable {
  public var path: String
  public var cutting: MessageCutting
}

/// What another program writes to its standard output.
public struct CommandInput: Hashable, Sendable {
  public enum Restart: String, CaseIterable, Hashable, Sendable {
    case always
    case onFailure = "on-failure"
    case never
  }

  public var arguments: [String]
  public var restart: Restart
  public var cutting: MessageCutting
}

/// Where messages of a byte stream end, and what they become.
public struct MessageCutting: Hashable, Sendable {
  public enum Contents: Hashable, Sendable {
    /// Bytes as they are.
    case opaque
    /// Lines are a field of a message.
    case text
  }

  public var framing: Framing
  /// Of ``Framing/fixed``.
  public var recordByteCount: Int
  /// The first bytes of each record, or none.
  public var recordStart: [UInt8]
  /// What parts the words of a line; `nil`: blanks.
  public var separator: Character?
  /// Words of lines that become fields; their paths are empty.
  public var values: [PollInput.Value]
  /// What a line without values becomes.
  public var contents: Contents
}

/// Where one message of a byte stream ends.
public enum Framing: String, CaseIterable, Hashable, Sendable {
  /// Whatever one read gave.
  case raw
  /// At a line feed, which is not part of the message.
  case lines
  /// As lines, of which only those with a right checksum count.
  case nmea
  /// After a number of bytes that is always the same.
  case fixed
  /// After a length and that many bytes.
  case lengthU8 = "length-u8"
  case lengthU16LittleEndian = "length-u16-le"
  case lengthU16BigEndian = "length-u16-be"
  case lengthU32LittleEndian = "length-u32-le"
  case lengthU32BigEndian = "length-u32-be"
  /// From a JPEG's start-of-image to its end-of-image marker; one after another they are MJPEG.
  case jpeg
  /// Before the first unit of the next picture of an H.264 byte stream (annex B).
  case h264

  var isPictures: Bool { self == .jpeg || self == .h264 }
}

/// The numbers of byte streams, each with its reason.
public enum ByteLimits {
  public static let record = Limit(
    1, 64 << 10, usual: 16, because: "a record is read whole, and longer ones have a length before them")
  public static let baud = Limit(
    50, 12_000_000, usual: 9_600, because: "no port is slower, and USB adapters end at 12 million")
  public static let dataBits = Limit(5, 8, usual: 8, because: "a character has as many")
  public static let stopBits = Limit(1, 2, usual: 1, because: "a character ends with one or two")
  public static let argumentCount = 64
  public static let argumentCountReason = "a longer command is a script's job"
}
