import Glibc
import LinuxEvents
import LinuxProcess
import LinuxUDP
import Logging
public import STTBoard
import STTJSON

/// The program `stt-websocket`, which carries our datagrams over a WebSocket: they go to a port of it
/// on loopback, and come from there. It runs only while it is wanted; TLS and HTTP are no part of the
/// agent.
final class WebSocketCompanion {
  /// After the program itself has ended.
  private static let restartNanoseconds: UInt64 = 5_000_000_000

  private let link: AgentConfiguration.WebSocketLink
  private let path: String
  private let log: Logger
  private var program: ChildProgram?
  /// Programs that were told to end.
  private var leaving: [ChildProgram] = []
  private var startAt: UInt64 = 0
  /// Where our datagrams go.
  private(set) var address: UDPAddress?
  /// Whether there is a connection to the collector.
  private(set) var isUp = false
  private var connectionCount: UInt64 = 0
  private var droppedCount: UInt64 = 0
  private var trouble: String?

  init(_ link: AgentConfiguration.WebSocketLink, log: Logger) throws {
    self.link = link
    self.log = log
    path = try Self.program()
  }

  /// The program's file, or what is wrong with it.
  static func program() throws -> String {
    let path = ChildProgram.sibling("stt-websocket")
    guard access(path, X_OK) == 0 else {
      throw AgentFailure(
        "the WebSocket transport needs the program stt-websocket beside this one, and there is no \(path): install it there, or write transport = \"udp\" under [collector]"
      )
    }
    return path
  }

  /// Starts or ends the program as wanted. Its output is polled as `token`.
  func tend(isWanted: Bool, agentPort: UInt16, poller: borrowing Poller, token: UInt64, now: UInt64) {
    leaving.removeAll { $0.hasEnded }
    if !isWanted, let program {
      program.release()
      leave(program, poller)
    }
    guard isWanted, program == nil, now >= startAt else { return }
    startAt = now + Self.restartNanoseconds
    var arguments = ["--url", "\(link.url)", "--agent-port", "\(agentPort)"]
    if let authorities = link.authorities { arguments += ["--ca", authorities] }
    do {
      let started = try ChildProgram(path, arguments)
      try poller.add(started.descriptor, .readable, token: token)
      program = started
    } catch { log.error("\(error)") }
  }

  /// Ends the connection and makes another: this machine is on another network.
  func reconnect(poller: borrowing Poller) {
    guard let program else { return }
    program.end()
    leave(program, poller)
    startAt = 0
  }

  /// When ``tend(isWanted:agentPort:poller:token:now:)`` has to be called.
  func deadline(isWanted: Bool) -> UInt64 { isWanted && program == nil ? startAt : .max }

  private func leave(_ program: ChildProgram, _ poller: borrowing Poller) {
    poller.remove(program.descriptor)
    leaving.append(program)
    self.program = nil
    address = nil
    isUp = false
  }

  /// Reads what the program tells; answers whether there is a new connection.
  func takeReports(poller: borrowing Poller) -> Bool {
    guard let program else { return false }
    guard let lines = program.takeLines() else {
      log.error("stt-websocket ended; it is started again in \(Self.restartNanoseconds / 1_000_000_000) s")
      leave(program, poller)
      return false
    }
    let before = connectionCount
    for line in lines { take(line) }
    return connectionCount != before && isUp
  }

  private func take(_ line: String) {
    let words = line.split(separator: " ", maxSplits: 1)
    let rest = words.count > 1 ? String(words[1]) : ""
    switch words.first {
    case "port": address = UInt16(rest).map { .loopback(port: $0) }
    case "connected":
      isUp = true
      connectionCount += 1
      trouble = nil
      log.notice("connected to \(link.url)")
    case "disconnected":
      isUp = false
      trouble = rest
      log.warning("\(link.url): \(rest)")
    case "dropped": droppedCount = UInt64(rest) ?? droppedCount
    case "failed":
      trouble = rest
      log.error("stt-websocket: \(rest)")
    default: log.error("stt-websocket says: \(line)")
    }
  }

  func describe(into root: inout JSONObject) {
    var status = JSONObject()
    status.set("url", "\(link.url)")
    status.set("running", program != nil)
    status.set("connected", isUp)
    status.set("connections", connectionCount)
    status.set("datagramsDropped", droppedCount)
    if let trouble { status.set("trouble", trouble) } else { status.setNull("trouble") }
    root.set("webSocket", status)
  }
}

/// Whether this configuration's transport can be used on this machine; throws what is missing.
public func checkTransport(_ link: AgentConfiguration.CollectorLink) throws {
  if link.webSocket != nil { _ = try WebSocketCompanion.program() }
}
