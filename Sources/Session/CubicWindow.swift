/// A bound on what may be on the way, after signs of a full queue: it grows as CUBIC's window does (RFC 9438),
/// so that senders of both kinds that share a queue get alike.
struct CubicWindow: Sendable {
  /// Of what was on the way when packets were lost (RFC 9438 section 4.6).
  static let afterLoss = 0.7
  /// The same when they were marked: marks come earlier (RFC 8511 section 3).
  static let afterMark = 0.85
  private static let scale = 0.4

  /// Bytes; without bound before the first sign.
  private(set) var byteCount = Double.infinity
  private var largest = 0.0
  private var plateau = 0.0
  private var friendly = 0.0
  private var start: MonotonicTime?

  var isBounded: Bool { byteCount.isFinite }

  /// - Parameter inFlight: bytes that were on the way when the queue was full.
  mutating func reduce(to factor: Double, inFlight: Int) {
    let before = min(byteCount, Double(max(1, inFlight)))
    // Fast convergence (RFC 9438 section 4.7): whoever shrinks makes room for others.
    largest = isBounded && before < largest ? before * (1 + factor) / 2 : before
    byteCount = before * factor
    start = nil
  }

  /// Begins at what is on the way, in a queue that others fill.
  mutating func begin(at inFlight: Int) {
    guard byteCount > Double(inFlight) else { return }
    byteCount = Double(max(1, inFlight))
    largest = byteCount
    start = nil
  }

  /// For a round no queue stood, so that nobody needs the room: back to where it was full.
  mutating func recover() {
    guard isBounded, byteCount < largest * 0.95 else { return }
    byteCount = min(byteCount * 1.25, largest * 0.95)
    start = nil
  }

  /// `acknowledged` bytes arrived.
  mutating func grow(acknowledged: Int, roundTrip: UInt64, datagram: Int, now: MonotonicTime) {
    guard isBounded else { return }
    let unit = Double(datagram)
    let window = max(2, byteCount / unit)
    let top = largest / unit
    if start == nil {
      start = now
      plateau = Self.cubeRoot(max(0, top - window) / Self.scale)
      friendly = window
    }
    let elapsed = Double(now.since(start ?? now) + roundTrip) / 1e9 - plateau
    let target = min(max(Self.scale * elapsed * elapsed * elapsed + top, window), 1.5 * window)
    let share = Double(acknowledged) / byteCount
    // As fast as Reno at least (RFC 9438 section 4.3).
    friendly += (friendly >= top ? 1 : 3 * (1 - Self.afterLoss) / (1 + Self.afterLoss)) * share
    byteCount = min(max(window + (target - window) * min(1, share), friendly) * unit, 1e12)
  }

  private static func cubeRoot(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    var root = max(1, value / 16)
    for _ in 0..<40 { root = (2 * root + value / (root * root)) / 3 }
    return root
  }
}
