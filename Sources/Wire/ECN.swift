/// The two bits of an IP header that tell of congestion without loss (RFC 3168 section 5).
public enum ECN: UInt8, Hashable, Sendable {
  /// Not-ECT: the sender does not react to marks.
  case notCapable = 0
  /// ECT(1).
  case capable1 = 1
  /// ECT(0), the one we send.
  case capable0 = 2
  /// CE: a queue on the way grows.
  case congestion = 3

  /// - Parameter bits: those above the lowest two are another field, DSCP, and are ignored.
  public init(bits: UInt8) {
    self =
      switch bits & 3 {
      case 1: .capable1
      case 2: .capable0
      case 3: .congestion
      default: .notCapable
      }
  }
}

/// How many packets of a direction arrived with each mark since the session began (RFC 9000 section 13.4.1).
public struct ECNCounts: Hashable, Sendable {
  public static let byteCount = 24

  public var capable0: UInt64
  public var capable1: UInt64
  public var congestion: UInt64

  public init(capable0: UInt64 = 0, capable1: UInt64 = 0, congestion: UInt64 = 0) {
    self.capable0 = capable0
    self.capable1 = capable1
    self.congestion = congestion
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    capable0 = try reader.u64()
    capable1 = try reader.u64()
    congestion = try reader.u64()
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u64(capable0)
    writer.u64(capable1)
    writer.u64(congestion)
  }

  public mutating func note(_ ecn: ECN) {
    switch ecn {
    case .notCapable: break
    case .capable0: capable0 += 1
    case .capable1: capable1 += 1
    case .congestion: congestion += 1
    }
  }

  public var isZero: Bool { capable0 | capable1 | congestion == 0 }
}
