import STTSample

/// Which pictures are worth sending over a link that does not carry them all.
///
/// None is left out while what waits is little: the link's own estimate is only heeded once pictures pile up. Then as
/// many pass as the target allows, evenly.
struct FramePacer {
  // What may wait before pictures are left out: a quarter of a second of the target.
  private static let patienceDivisor: UInt64 = 4

  /// Bits that may be sent now.
  private var allowance = 0.0
  private var last: UInt64 = 0

  /// Whether to send a picture.
  mutating func takes(byteCount: Int, _ load: LinkLoad, now: UInt64) -> Bool {
    let bits = Double(byteCount) * 8
    let target = Double(load.targetBitsPerSecond)
    let elapsed = now > last ? Double(now - last) / 1e9 : 0
    last = now
    let bearable = max(2 * UInt64(clamping: byteCount), load.targetBitsPerSecond / 8 / Self.patienceDivisor)
    guard load.targetBitsPerSecond > 0, load.waitingByteCount > bearable else {
      allowance = 0
      return true
    }
    // What a picture leaves over counts for the next one; more is not saved up, or a pause would be followed by a burst.
    allowance = min(allowance + target * elapsed, 2 * bits)
    guard allowance >= bits else { return false }
    allowance -= bits
    return true
  }
}
