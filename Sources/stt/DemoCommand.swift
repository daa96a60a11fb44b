import ArgumentParser
import CLinux
import Glibc
import LinuxEvents
import STTKeyring

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Streams this machine's own sensors to a collector beside it for ten seconds, and checks the recording.",
    discussion: """
      Makes a seed, starts stt-collector and stt-agent as two processes over UDP on loopback, shows the rates, then \
      verifies the recording against what the agent says it sent.

      Exit codes: 0 everything arrived; 1 something did not.
      """)

  @Option(help: ArgumentHelp("How long to stream.", valueName: "seconds"))
  var seconds = 10
  @Option(help: ArgumentHelp("Where to work; left there afterwards.", valueName: "directory"))
  var directory = "stt-demo"

  func validate() throws {
    guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds is from 1 to 86400, not \(seconds)") }
  }

  func run() throws {
    do {
      try Demo(directory: Demo.absolute(directory), seconds: seconds).run()
    } catch let code as ExitCode {
      throw code
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }
}

/// The demonstration, step by step.
private struct Demo {
  let directory: String
  let seconds: Int
  private let programs = programDirectory()
  /// A folder for this run: the agent's account is of one run, too.
  private let recordings: String

  init(directory: String, seconds: Int) {
    self.directory = directory
    self.seconds = seconds
    var path = "\(directory)/recordings"
    var run = 2
    while access(path, F_OK) == 0 {
      path = "\(directory)/recordings-\(run)"
      run += 1
    }
    recordings = path
  }

  /// Configurations take absolute paths alone.
  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let here = getcwd(nil, 0) else { return path }
    defer { free(here) }
    return String(cString: here) + "/" + path
  }

  func run() throws {
    try prepare()
    let collector = try ChildProcess(
      "\(programs)/stt-collector", ["--config", "\(directory)/collector.toml"], logPath: "\(directory)/collector.log")
    try waitForSocket("\(directory)/collector.sock", of: collector, log: "\(directory)/collector.log")
    let agent = try ChildProcess(
      "\(programs)/stt-agent",
      ["--config", "\(directory)/agent.toml", "--for", "\(seconds)", "--account", "\(directory)/account.ndjson"],
      logPath: "\(directory)/agent.log")
    try waitForSocket("\(directory)/agent.sock", of: agent, log: "\(directory)/agent.log")
    watch(agent)
    let agentCode = agent.wait()
    collector.signal(SIGTERM)
    let collectorCode = collector.wait()
    say("\nstt-agent ended with \(agentCode), stt-collector with \(collectorCode)\n")
    guard agentCode == 0, collectorCode == 0 else {
      say("see \(directory)/agent.log and \(directory)/collector.log")
      throw ExitCode(1)
    }
    try conclude()
  }

  private func prepare() throws {
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw DemoFailure("make the directory \(directory)") }
    for name in ["agent.log", "collector.log", "account.ndjson"] { unlink("\(directory)/\(name)") }
    for name in ["agent-state", "collector-state"] {
      guard mkdir("\(directory)/\(name)", 0o700) == 0 || errno == EEXIST else { throw DemoFailure("make \(name)") }
    }
    let pairPath = "\(directory)/demo.pair"
    if access(pairPath, F_OK) != 0 {
      try PairFile.generate(name: "demo").write(to: pairPath, replacing: false)
      say("made a seed: \(pairPath)")
    }
    try write("frames.mjpeg", DemoPictures.stream())
    try write("collector.toml", Array(DemoConfiguration.collector(directory: directory, recordings: recordings).utf8))
    try write("agent.toml", Array(DemoConfiguration.agent(directory: directory, camera: camera()).utf8))
  }

  /// The first camera of this machine, if it has one.
  private func camera() -> String? {
    (0..<16).map { "/dev/video\($0)" }.first { access($0, R_OK) == 0 }
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    let path = "\(directory)/\(name)"
    guard let file = fopen(path, "w") else { throw DemoFailure("write \(path)") }
    let count = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, count == bytes.count else { throw DemoFailure("write \(path)") }
  }

  /// A program is ready when its status socket answers.
  private func waitForSocket(_ path: String, of process: ChildProcess, log: String) throws {
    while process.isRunning {
      if (try? StatusSocket.ask(path)) != nil { return }
      var pause = timespec(tv_sec: 0, tv_nsec: 20_000_000)
      nanosleep(&pause, nil)
    }
    say("a program ended before it was ready; \(log) says:")
    if let file = fopen(log, "r") {
      var line = [CChar](repeating: 0, count: 1024)
      while fgets(&line, 1024, file) != nil {
        output(String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      }
      fclose(file)
    }
    throw ExitCode(1)
  }

  /// Shows once a second what went through since the last.
  private func watch(_ agent: ChildProcess) {
    var last = (messages: UInt64(0), bytes: UInt64(0))
    var next = Clocks.monotonic
    say("  time   messages/s      bytes/s   recorded   connected")
    var second = 0
    while agent.isRunning, second <= seconds {
      next += 1_000_000_000
      var time = timespec(tv_sec: time_t(next / 1_000_000_000), tv_nsec: Int(next % 1_000_000_000))
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
      second += 1
      guard let status = try? StatusSocket.ask("\(directory)/collector.sock") else { continue }
      let now = (messages: number("messagesRecorded", status), bytes: number("bytesRecorded", status))
      say(
        "\(column("\(second) s", 6, right: true)) \(column("\(now.messages &- last.messages)", 12, right: true)) \(column(sizeText(now.bytes &- last.bytes), 12, right: true)) \(column("\(now.messages)", 10, right: true))   \(number("sessions", status) > 0 ? "yes" : "no")"
      )
      last = now
    }
  }

  private func number(_ key: String, _ status: String) -> UInt64 {
    guard let place = status.firstRange(of: "\"\(key)\":") else { return 0 }
    return UInt64(status[place.upperBound...].prefix { $0.isNumber }) ?? 0
  }

  private func conclude() throws {
    let account = "\(directory)/account.ndjson"
    let keys = "\(directory)/collector-state/keys"
    say("$ stt verify \(recordings) --keys \(keys) --account \(account)")
    let verify = try ChildProcess("\(programs)/stt", ["verify", recordings, "--keys", keys, "--account", account])
    while let line = verify.readLine() { say(line) }
    let code = verify.wait()
    say("\n$ stt inspect \(recordings) --keys \(keys)")
    let inspect = try ChildProcess("\(programs)/stt", ["inspect", recordings, "--keys", keys])
    while let line = inspect.readLine() { say(line) }
    _ = inspect.wait()
    let stt = "\(programs)/stt"
    say(
      """

      The recording is sealed: without a key it shows neither streams nor samples. Go on by hand:
        keys="--keys \(keys)"
        \(stt) replay \(recordings) $keys --streams system/load
        \(stt) replay \(recordings) $keys --fast --format ndjson | head
        \(stt) export \(recordings) $keys --to csv --streams system/load
        \(stt) unseal \(recordings) $keys --out \(directory)/plain     (opens in any MCAP tool)
        \(programs)/stt-collector --config \(directory)/collector.toml     (in one terminal)
        \(programs)/stt-agent --config \(directory)/agent.toml             (in another)
      """)
    if code != 0 { throw ExitCode(1) }
  }
}

private func say(_ line: String) { output(line + "\n") }

private struct DemoFailure: Error, CustomStringConvertible {
  let description: String
  init(_ doing: String) { description = "cannot \(doing): \(String(cString: strerror(errno)))" }
}
