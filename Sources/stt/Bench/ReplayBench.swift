import ArgumentParser
import CLinux
import Glibc
import LinuxEvents
import STTJSON
import STTRecorder
import Synchronization

struct ReplayBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Measures how late a replay's messages are, beside a bare timer in the same run.",
    discussion: """
      A recording of 1 kHz samples and a camera is replayed at 1×, while another thread does nothing but wait for the
      same moments. Lateness is the time between a message's due time and its being handed on.

      Exit codes: 0 measured; 1 a run failed.
      """)

  @Option(help: ArgumentHelp("How long to play.", valueName: "seconds")) var seconds = 20
  @Option(help: ArgumentHelp("Where to work; made, and removed afterwards.", valueName: "directory"))
  var directory = "stt-bench-replay"
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is from 1 to 3600") }
  }

  func run() throws {
    do {
      try ExportFolder.make(directory)
      let made = try BenchRecording(
        root: "\(directory)/recording", isSealed: false, seconds: seconds, cameraSeconds: seconds)
      let (replay, timer) = try measure(try RecordingFiles.tracks(at: made.root))
      try BenchFolder.remove(directory)
      report(replay, timer)
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func measure(_ tracks: [RecordingFiles.Track]) throws -> (replay: Lateness, timer: Lateness) {
    let count = seconds * 1000
    let outcome = TimerOutcome()
    let timer = try WorkerThread(name: "stt-timer") { outcome.measure(count) }
    let ahead = try ReadAhead(tracks, keys: KeySources(), ReadSelection(), loops: false)
    var player = Player(speed: 1, waits: true, keys: try TerminalKeys())
    try player.play(ahead.queue, to: NDJSONOutput(try ByteOutput(opening: "/dev/null")))
    timer.join()
    _ = try ahead.finish()
    return (player.lateness, outcome.lateness.withLock { $0 })
  }

  private func report(_ replay: Lateness, _ timer: Lateness) {
    let ratio = Double(replay.quantile(0.99)) / Double(max(1, timer.quantile(0.99)))
    if format == .json {
      var root = JSONObject()
      for (name, lateness) in [("replay", replay), ("timer", timer)] {
        var object = JSONObject()
        object.set("count", lateness.count)
        object.set("medianNanoseconds", lateness.quantile(0.5))
        object.set("p99Nanoseconds", lateness.quantile(0.99))
        object.set("largestNanoseconds", lateness.largest)
        root.set(name, object)
      }
      root.set("ratioAtP99", ratio)
      output(root.text + "\n")
      return
    }
    output("  replay      \(replay.text), \(replay.count) messages\n")
    output("  bare timer  \(timer.text), \(timer.count) moments\n")
    output("  ratio at 99 %: \(rounded(ratio, 2))\n")
  }
}

/// How late a thread is that does nothing but wait for every millisecond.
private final class TimerOutcome: Sendable {
  let lateness = Mutex(Lateness())

  func measure(_ count: Int) {
    clinux_timer_slack(1)
    var found = Lateness()
    let began = Clocks.monotonic
    for index in 0..<UInt64(count) {
      let due = began + index * 1_000_000
      var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
      while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
      let now = Clocks.monotonic
      found.note(now > due ? now - due : 0)
    }
    lateness.withLock { $0 = found }
  }
}
