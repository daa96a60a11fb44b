import Glibc
import LinuxEvents
import Synchronization
import Testing

/// A device and its collector on this machine: keys, configurations, state and recordings in one
/// directory, and the programs that run there.
final class Site: Sendable {
  static let device = "bench-1"

  private let directory: TemporaryDirectory
  let port: UInt16
  private let starts = Mutex(0)

  var path: String { directory.path }
  var pairPath: String { "\(path)/device.pair" }
  var recordings: String { "\(path)/recordings" }
  var accountPath: String { "\(path)/account.ndjson" }
  var agentSocket: String { "\(path)/agent.sock" }
  var collectorSocket: String { "\(path)/collector.sock" }

  /// Makes the directory and a new pair in it.
  init() async throws {
    directory = try TemporaryDirectory()
    port = try UDPPort.free()
    let made = try await stt(["seed", "new", Self.device, "--out", pairPath])
    try #require(made.code == 0, "\(made)")
  }

  // MARK: - Configurations

  /// Writes `collector.toml`, runs it, and waits until it answers.
  func startCollector(_ settings: CollectorSettings = CollectorSettings()) async throws -> Program {
    let program = try Program(
      "stt-collector", ["--config", try writeCollector(settings), "--log-level", "info"], log: log("collector"))
    try await answers(program, at: collectorSocket)
    return program
  }

  /// Writes `agent.toml`, runs it, and waits until it answers.
  func startAgent(_ settings: AgentSettings, seconds: Int = 300) async throws -> Program {
    // An end of its own, should the tests be killed.
    let program = try Program(
      "stt-agent",
      ["--config", try writeAgent(settings), "--account", accountPath, "--for", "\(seconds)", "--log-level", "info"],
      log: log("agent"))
    try await answers(program, at: agentSocket)
    return program
  }

  func writeCollector(_ settings: CollectorSettings, name: String = "collector.toml") throws -> String {
    let file = "\(path)/\(name)"
    try Files.write(file, settings.text(self))
    return file
  }

  func writeAgent(_ settings: AgentSettings, name: String = "agent.toml") throws -> String {
    let file = "\(path)/\(name)"
    try Files.write(file, settings.text(self))
    return file
  }

  private func answers(_ program: Program, at socket: String) async throws {
    try await eventually("\(program.name) answers at its status socket") {
      if let code = program.exitCode {
        throw NeverHappened(description: "\(program.name) ended with \(code): \(program.standardError)")
      }
      return (try? StatusSocket.ask(socket)) != nil
    }
  }

  /// A path for what one start says.
  func log(_ name: String) -> String {
    "\(path)/\(name)-\(starts.withLock { starts in starts += 1; return starts })"
  }

  // MARK: - Programs that end

  func stt(_ arguments: [String]) async throws -> Outcome { try await run("stt", arguments) }

  func run(_ program: String, _ arguments: [String]) async throws -> Outcome {
    let running = try Program(program, arguments, log: log("run"))
    let code = try await running.ended()
    return Outcome(code: code, output: running.standardOutput, error: running.standardError)
  }

  // MARK: - What they tell

  func agentStatus() throws -> AgentStatus { try decode(AgentStatus.self, try StatusSocket.ask(agentSocket)) }
  func collectorStatus() throws -> CollectorStatus {
    try decode(CollectorStatus.self, try StatusSocket.ask(collectorSocket))
  }

  /// Waits until `stream` has made `count` messages and all of them are on the collector's disk.
  func recorded(_ stream: String, _ count: UInt64) async throws {
    var last: AgentStatus?
    do {
      try await eventually("\(count) messages of \(stream) are durable", within: .seconds(120)) {
        last = try agentStatus()
        guard let stream = last?.stream(stream) else { return false }
        return stream.messages >= count && stream.durable >= count
      }
    } catch let never as NeverHappened {
      throw NeverHappened(description: "\(never)\nagent: \(String(describing: last))\n\(everythingSaid)")
    }
  }

  /// Ends both as a service manager does.
  func stop(agent: Program, collector: Program) async throws {
    agent.signal(SIGTERM)
    #expect(try await agent.ended() == 0, "\(agent.standardError)")
    collector.signal(SIGTERM)
    #expect(try await collector.ended() == 0, "\(collector.standardError)")
  }

  /// Expects that the recording is whole and holds exactly what the agent says it sent.
  func expectRecordingAgrees(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let outcome = try await stt(["verify", recordings, "--account", accountPath, "--format", "json"])
    let report = try decode(Verification.self, outcome.output)
    #expect(report.verdict == "intact", "\(outcome)\n\(everythingSaid)", sourceLocation: sourceLocation)
    #expect(report.accountAgrees == true, "\(outcome)\n\(everythingSaid)", sourceLocation: sourceLocation)
    #expect(outcome.code == 0, "\(outcome)", sourceLocation: sourceLocation)
  }

  func inspect() async throws -> Inspection {
    let outcome = try await stt(["inspect", recordings, "--format", "json"])
    try #require(outcome.code == 0, "\(outcome)")
    return try decode(Inspection.self, outcome.output)
  }

  /// All standard errors, for a failure's report.
  var everythingSaid: String {
    Files.find(below: path, suffix: ".err").map { "--- \($0)\n\(Files.text($0).suffix(3000))" }.joined(separator: "\n")
  }
}
