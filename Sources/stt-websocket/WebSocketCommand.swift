import ArgumentParser
import Glibc
import STTBoard

/// `stt-websocket`: carries an agent's datagrams over one WebSocket connection.
@main
struct WebSocketCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stt-websocket",
    abstract: "Carries an agent's datagrams over a WebSocket; stt-agent starts and ends it by itself.",
    discussion: """
      It lies beside stt-agent, which starts it when its configuration says transport = "websocket" or "auto"; see \
      docs/configuration.md. It ends when its standard input does.

      Exit codes: 0 the agent is gone; 2 the certificates or an argument can't be used; 64 wrong usage.
      """,
    version: "stt-websocket 0.1.0 (STT-1)")

  @Option(help: ArgumentHelp("Where the collector's WebSocket is: wss://host/path or ws://host/path.", valueName: "url"))
  var url: String

  @Option(help: ArgumentHelp("The agent's UDP port on 127.0.0.1.", valueName: "port"))
  var agentPort: UInt16

  @Option(help: ArgumentHelp("A PEM file of the authorities to trust instead of the system's.", valueName: "file"))
  var ca: String?

  func run() throws {
    guard let target = WebSocketURL(parsing: url) else {
      Report.line("failed \(url) is no URL of a WebSocket, such as wss://host/path")
      throw ExitCode(2)
    }
    guard isStream(STDIN_FILENO) else {
      throw ValidationError("standard input is no pipe or socket: stt-agent starts this program, nobody else needs to")
    }
    do {
      try Bridge(to: target, authorities: ca, agentPort: agentPort).run()
    } catch {
      Report.line("failed \(error)")
      throw ExitCode(2)
    }
  }

  /// Whether its end can be waited for; of other files it can't.
  private func isStream(_ descriptor: CInt) -> Bool {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return false }
    return [S_IFIFO, S_IFSOCK].contains(status.st_mode & S_IFMT)
  }
}
