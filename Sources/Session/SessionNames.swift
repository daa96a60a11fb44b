import STC
import STTWire

/// What a session is called on the wire: its id, and after each change of network the next alias, so
/// that an observer of both networks can't tell that it is the same session (docs/protocol.md 2.14).
struct SessionNames: Sendable {
  private let keys: SessionKeys
  private var index: UInt32 = 0
  private(set) var previous: SessionID?
  private(set) var current: SessionID
  private(set) var next: SessionID
  /// Whether the peer has used the present name: until then it may not know it.
  private(set) var isKnown = true

  init(_ first: SessionID, keys: SessionKeys) {
    self.keys = keys
    current = first
    next = keys.alias(1)
  }

  mutating func advance() {
    index &+= 1
    previous = current
    current = next
    next = keys.alias(index &+ 1)
    isKnown = false
  }

  mutating func heard(_ name: SessionID) {
    if name == current { isKnown = true }
  }
}
