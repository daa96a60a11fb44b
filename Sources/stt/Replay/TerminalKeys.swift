import Glibc
import LinuxEvents

/// Keys pressed while something plays. Without a terminal at standard input, or in the background, there are
/// none, and ``wait(until:)`` only waits.
final class TerminalKeys {
  enum Key {
    case pause, step, faster, slower, quit
  }

  private var before = termios()
  private var poller: Poller
  /// Whether keys come one by one, without being shown.
  let isActive: Bool

  init() throws {
    poller = try Poller()
    guard isatty(0) == 1, tcgetpgrp(0) == getpgrp(), tcgetattr(0, &before) == 0 else {
      isActive = false
      return
    }
    var keys = before
    // Ctrl-C comes as a key too, so that the terminal is as it was when the program ends.
    keys.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    isActive = tcsetattr(0, TCSANOW, &keys) == 0
    if isActive { try poller.add(0, .readable, token: 0) }
  }

  deinit {
    if isActive { tcsetattr(0, TCSANOW, &before) }
  }

  /// Waits until CLOCK_MONOTONIC reaches `time`, in nanoseconds, or a key that means something was pressed.
  func wait(until time: UInt64) throws -> Key? {
    while Clocks.monotonic < time {
      try poller.wait(until: time)
      if poller.count > 0, let key = read() { return key }
    }
    return nil
  }

  private func read() -> Key? {
    var byte: UInt8 = 0
    guard Glibc.read(0, &byte, 1) == 1 else { return .quit }
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "p"): return .pause
    case UInt8(ascii: "."): return .step
    case UInt8(ascii: "+"): return .faster
    case UInt8(ascii: "-"): return .slower
    case UInt8(ascii: "q"), 3: return .quit
    default: return nil
    }
  }
}
