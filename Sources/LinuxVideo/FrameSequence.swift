/// Notices pictures that are missing between two others, by the numbers the driver gives them.
struct FrameSequence {
  private var last: UInt32?

  /// How many are missing before the picture `number`. A number that goes back is a new beginning.
  mutating func missing(before number: UInt32) -> UInt64 {
    defer { last = number }
    guard let last else { return 0 }
    let skipped = number &- last &- 1
    return skipped < 1 << 31 ? UInt64(skipped) : 0
  }

  mutating func reset() { last = nil }
}
