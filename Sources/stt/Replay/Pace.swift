/// When each message of a recording is due, by the time between it and the first.
struct Pace {
  private(set) var speed: Double
  /// A moment of the recording, and when it is or was due.
  private var anchor: (media: UInt64, clock: UInt64)?
  private var last: UInt64 = 0

  /// - Parameter speed: how many times faster than it happened; above 0.
  init(speed: Double) { self.speed = speed }

  /// When the message received at `media` is due; the first is due now. Where the recording's clock goes
  /// back, it goes on from there without a wait.
  mutating func due(_ media: UInt64, now: UInt64) -> UInt64 {
    if anchor == nil { anchor = (media, now) }
    if media < last { anchor = (media, clock(of: last)) }
    last = media
    return clock(of: media)
  }

  private func clock(of media: UInt64) -> UInt64 {
    guard let anchor else { return 0 }
    let ahead = Double(media >= anchor.media ? media - anchor.media : 0) / speed
    return anchor.clock &+ UInt64(min(ahead, 9e18))
  }

  /// Goes on at another speed from what was played last.
  mutating func change(speed: Double) {
    if anchor != nil { anchor = (last, clock(of: last)) }
    self.speed = speed
  }

  /// Everything still to come is due later by `nanoseconds`.
  mutating func postpone(_ nanoseconds: UInt64) { anchor?.clock &+= nanoseconds }

  /// The recording begins anew: its first message is due now.
  mutating func restart() {
    anchor = nil
    last = 0
  }
}
