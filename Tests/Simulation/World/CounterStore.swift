/// The device's handshake counter as it lies on its disk: reserved in blocks, and after a crash the
/// rest of a block is never used (docs/protocol.md 2.4).
struct CounterStore {
  private static let block: UInt64 = 32
  private var next: UInt64 = 1
  private var reservedEnd: UInt64 = 1

  mutating func take() -> UInt64 {
    if next >= reservedEnd { reservedEnd = next + Self.block }
    defer { next += 1 }
    return next
  }

  mutating func crash() { next = reservedEnd }
}
