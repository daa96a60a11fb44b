import CLinux
import LinuxEvents
import STTRecord

/// Plays what a ``ReadAhead`` reads at its own time, as the keys say.
struct Player {
  private var pace: Pace
  private let waits: Bool
  private let keys: TerminalKeys
  private(set) var lateness = Lateness()
  private(set) var messageCount: UInt64 = 0
  private var isPaused = false
  private var media: UInt64 = 0
  /// A rest this long lets outputs send what they gathered.
  private static let restNanoseconds: UInt64 = 1_000_000
  /// Views are renewed this often.
  private static let viewNanoseconds: UInt64 = 100_000_000

  /// - Parameter waits: `false` plays as fast as the output takes it.
  init(speed: Double, waits: Bool, keys: TerminalKeys) {
    pace = Pace(speed: speed)
    self.waits = waits
    self.keys = keys
    // Otherwise the kernel may wake it 50 µs late (prctl, PR_SET_TIMERSLACK).
    clinux_timer_slack(1)
  }

  /// Plays to the end, or until somebody quits.
  mutating func play(_ queue: MessageQueue, to output: any ReplayOutput) throws {
    while true {
      switch queue.pop() {
      case .end: return
      case .restart: pace.restart()
      case .message(let message):
        if waits {
          guard try wait(for: message, output) else { return }
        }
        media = message.logTime
        messageCount += 1
        try output.play(message)
      }
    }
  }

  /// `false`: somebody quit.
  private mutating func wait(for message: PlayedMessage, _ output: any ReplayOutput) throws -> Bool {
    var due = pace.due(message.logTime, now: Clocks.monotonic)
    var isRested = false
    while true {
      let now = Clocks.monotonic
      if !isPaused, due <= now {
        lateness.note(now - due)
        return true
      }
      if !isRested || isPaused || due - now > Self.viewNanoseconds, isPaused || due - now > Self.restNanoseconds {
        try output.rest(ReplayState(media: media, speed: pace.speed, isPaused: isPaused))
        isRested = true
      }
      let began = Clocks.monotonic
      let key = try keys.wait(until: isPaused ? began + Self.viewNanoseconds : min(due, began + Self.viewNanoseconds))
      if isPaused { pace.postpone(Clocks.monotonic - began) }
      switch key {
      case .quit?: return false
      case .pause?: isPaused.toggle()
      case .faster?: pace.change(speed: min(pace.speed * 2, 1_000_000))
      case .slower?: pace.change(speed: max(pace.speed / 2, 0.000_1))
      case .step? where isPaused:
        return true
      case .step?, nil: break
      }
      due = pace.due(message.logTime, now: Clocks.monotonic)
    }
  }
}
