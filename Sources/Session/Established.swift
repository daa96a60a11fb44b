public import STC
public import STTWire

/// Which end of the handshake this is; keys and stream numbers differ by it.
public enum Role: Hashable, Sendable {
  case initiator
  case responder
}

/// What a finished handshake leaves behind: all a session starts from.
public struct Established: Sendable {
  public var role: Role
  public var session: SessionID
  public var mode: HandshakeMode
  public var suite: Suite
  public var keys: SessionKeys
  /// The other side's.
  public var parameters: SessionParameters
  /// Bytes of UDP payload both sides are ready for; how many the path carries is another question.
  public var maximumDatagram: Int

  public init(
    role: Role, session: SessionID, mode: HandshakeMode, suite: Suite, keys: SessionKeys,
    parameters: SessionParameters, maximumDatagram: Int
  ) {
    self.role = role
    self.session = session
    self.mode = mode
    self.suite = suite
    self.keys = keys
    self.parameters = parameters
    self.maximumDatagram = maximumDatagram
  }
}

/// What one side is ready to do.
public struct HandshakeOffer: Hashable, Sendable {
  public var modes: Set<HandshakeMode>
  /// In order of preference; the responder's order decides among those both offer.
  public var suites: [Suite]
  public var maximumDatagram: UInt16
  public var parameters: SessionParameters

  public init(
    modes: Set<HandshakeMode> = [.hybrid], suites: [Suite], maximumDatagram: UInt16 = 65_507,
    parameters: SessionParameters = SessionParameters()
  ) {
    self.modes = modes
    self.suites = suites
    self.maximumDatagram = maximumDatagram
    self.parameters = parameters
  }

  var modeBits: UInt8 { modes.reduce(0) { $0 | $1.rawValue } }
  var suiteBits: UInt16 { suites.reduce(0) { $0 | UInt16($1.rawValue) } }
}

/// The smallest `max_udp` anybody may offer: what every IPv6 path carries.
let smallestMaximumDatagram: UInt16 = 1200

extension RandomNumberGenerator {
  /// `count` random bytes. In production the generator is the system's.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(count + 7)
    while bytes.count < count {
      let word = next()
      for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}
