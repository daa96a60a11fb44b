/// Finds edges that the kernel had no room to keep.
///
/// libgpiod 2.x numbers the edges of a line: missing numbers are counted exactly. With 1.x there are no numbers,
/// and the kernel keeps 16 edges of a line and drops what comes after: two edges of one direction in a row show
/// that at least one between them is missing, if both directions are watched.
struct EdgeOrder {
  private var sequence: UInt64
  private var wasRising: Bool?
  private let areBothWatched: Bool

  /// - Parameter isActive: the line's level when watching began, which the first edge changes.
  init(isActive: Bool?, areBothWatched: Bool) {
    sequence = 0
    wasRising = isActive
    self.areBothWatched = areBothWatched
  }

  /// Edges that are missing between the last one and this.
  ///
  /// - Parameter sequence: the kernel's number of the edge, from 1; 0: it tells none.
  mutating func missing(before sequence: UInt64, isRising: Bool) -> UInt64 {
    defer {
      wasRising = isRising
      self.sequence = sequence
    }
    if sequence > 0 { return sequence > self.sequence ? sequence - self.sequence - 1 : 0 }
    return areBothWatched && wasRising == isRising ? 1 : 0
  }
}
