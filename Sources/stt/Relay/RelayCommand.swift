import ArgumentParser
import Glibc
import LinuxEvents
import LinuxUDP
import STTBoard
import STTImpairment
import STTJSON

struct RelayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay",
    abstract: "A stretch of bad network: passes UDP datagrams on with loss, delay, reordering and a limited rate.",
    discussion: """
      Put it between an agent and its collector to see how a deployment fares on a bad link: the agent's \
      [collector] address is the relay's, and the relay leads to the collector.

        stt relay --listen 127.0.0.1:4651 --to 127.0.0.1:4650 --loss 5 --delay 25ms --rate 100Mbit

      Both directions are treated alike, each with chances and a queue of its own. The same seed loses the same \
      datagrams: whether the n-th of a direction is lost depends on the seed and n alone. It carries any UDP. At its \
      end, by --for, SIGINT or SIGTERM, it says what it did to how many datagrams, and how late it was itself.

      Exit codes: 0 ended as asked; 1 it cannot listen, or an address was not found.
      """)

  @Option(help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "host:port"))
  var listen = "127.0.0.1:0"
  @Option(help: ArgumentHelp("Where to pass datagrams on to.", valueName: "host:port"))
  var to: String
  @OptionGroup(title: "THE LINK, EACH WAY") var link: LinkOptions
  @Option(help: ArgumentHelp("Decides every chance.", valueName: "number")) var seed: UInt64 = 1
  @Option(help: ArgumentHelp("End after so long; otherwise when it is stopped.", valueName: "duration"))
  var `for`: SpanOfTime?
  @Option(help: "text or json (one object, at the end).") var format = OutputFormat.text

  func run() throws {
    do {
      let signals = try SignalDescriptor()
      let relay = try ImpairmentRelay(
        listen: try address(listen, anyPort: true), to: [try address(to)], there: link.impairment, back: link.impairment,
        seed: seed)
      if format == .text { output("listening at \(relay.local), leading to \(to)\n") }
      try wait(for: signals, until: `for`.map { Clocks.monotonic &+ $0.nanoseconds } ?? .max)
      let report = relay.report
      output(format == .json ? report.json.text + "\n" : report.text)
    } catch let wrong as ValidationError {
      throw wrong
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func wait(for signals: borrowing SignalDescriptor, until end: UInt64) throws {
    var poller = try Poller()
    try poller.add(signals.descriptor, .readable, token: 0)
    while Clocks.monotonic < end {
      try poller.wait(until: end)
      if signals.next() == .stop { return }
    }
  }

  private func address(_ text: String, anyPort: Bool = false) throws -> UDPAddress {
    if anyPort, text.hasSuffix(":0") {
      let host = String(text.dropLast(2)).trimmingBrackets
      return try UDPAddress(host: host, port: 0)
    }
    do {
      let parsed = try NetworkAddress(parsing: text)
      return try UDPAddress(host: parsed.host, port: parsed.port)
    } catch let mistake as NetworkAddress.Mistake {
      throw ValidationError("\(text) \(mistake.sentence): write host:port")
    }
  }
}

extension String {
  fileprivate var trimmingBrackets: String { hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self }
}
