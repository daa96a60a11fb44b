import Glibc
@testable import STTBoard
import STTConfig
import Testing

private let packageRoot = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

private func contents(_ path: String) throws -> String {
  let file = try #require(fopen("\(packageRoot)/\(path)", "r"), "\(path)")
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
  return String(decoding: bytes, as: UTF8.self)
}

/// docs/configuration.md against the code.
@Suite struct ReferenceTests {
  private let reference: String

  init() throws { reference = try contents("docs/configuration.md") }

  @Test(arguments: ["docs/configuration.md", "boards/raspberry-pi-5/deploy.md"])
  func everyExampleLoads(document: String) throws {
    var count = 0
    for block in try contents(document).split(separator: "```toml\n").dropFirst() {
      let text = String(block.prefix(upTo: block.firstRange(of: "```")?.lowerBound ?? block.endIndex))
      count += 1
      if text.hasPrefix("# /etc/stt/agent.toml\n") {
        _ = try AgentConfiguration(toml: text, source: document)
      } else if text.hasPrefix("# /etc/stt/collector.toml\n") {
        _ = try CollectorConfiguration(toml: text, source: document)
      } else {
        Issue.record("an example names no file: \(text.prefix(40))")
      }
    }
    #expect(count > 0)
  }

  /// Every key the decoders ask for stands in a table of the reference, and the other way round.
  @Test func everyKeyIsExplainedAndNoOther() throws {
    var keys: Set<String> = []
    for file in [
      "AgentConfiguration+Decoding", "SourceConfiguration+Decoding", "CollectorConfiguration+Decoding",
      "Transport+Decoding", "GPIOInput", "IIOInput", "ModbusInput", "ByteInput+Decoding",
    ] {
      for line in try contents("Sources/Board/\(file).swift").split(separator: "\n") {
        for accessor in [
          "integer", "number", "size", "duration", "flag", "bits", "choice", "choices", "text", "texts", "name",
          "absolutePath", "address", "pair", "socketPath", "requiredChoice", "subtables", "words",
        ] {
          for part in line.split(separator: ".\(accessor)(\"").dropFirst() {
            keys.insert(String(part.prefix { $0 != "\"" }))
          }
        }
      }
    }
    // Some accessors take their key on the next line.
    keys.formUnion(["state", "address", "listen", "type", "framing", "pairs", "channels", "offsets"])
    keys.formUnion(["seal", "seal_to", "recipients", "rotate_days", "max_size", "max_device_size"])
    var explained: Set<String> = []
    for line in reference.split(separator: "\n") where line.hasPrefix("| `") {
      explained.insert(String(line.dropFirst(3).prefix { $0 != "`" }))
    }
    explained = explained.filter { key in !key.contains(":") }
    keys.subtract(["source", "device"])
    explained.subtract(["source", "device"])
    keys.insert("device")
    explained.insert("device")
    #expect(keys.subtracting(explained).sorted() == [], "keys without explanation")
    #expect(explained.subtracting(keys).sorted() == [], "explanations without key")
  }

  @Test func everyLimitStandsInTheReference() {
    func row(_ key: String, _ range: String, usual: String) {
      let found = reference.split(separator: "\n").contains {
        $0.hasPrefix("| `\(key)` | \(usual)") && $0.contains("| \(range) |")
      }
      #expect(found, "| `\(key)` | \(usual) | \(range) |")
    }
    func count(_ key: String, _ limit: Limit<Int>) {
      row(key, "\(limit.minimum) to \(limit.maximum)", usual: "\(limit.usual)")
    }
    func rate(_ key: String, _ limit: Limit<Double>) {
      row(key, "\(plain(limit.minimum)) to \(plain(limit.maximum))", usual: plain(limit.usual))
    }
    func size(_ key: String, _ limit: Limit<Int>) {
      row(
        key, "\(Quantity.text(bytes: limit.minimum)) to \(Quantity.text(bytes: limit.maximum))",
        usual: Quantity.text(bytes: limit.usual))
    }
    func duration(_ key: String, _ limit: Limit<Duration>) {
      row(key, "\(Quantity.text(limit.minimum)) to \(Quantity.text(limit.maximum))", usual: Quantity.text(limit.usual))
    }
    count("max_datagram", AgentLimits.maximumDatagram)
    size("memory", AgentLimits.memory)
    size("unacknowledged", AgentLimits.unacknowledged)
    count("queue", AgentLimits.queueLength)
    count("priority", SourceLimits.priority)
    size("max_message", SourceLimits.message)
    size("max_message", SourceLimits.cameraMessage)
    rate("rate_hz", SourceLimits.pollRate)
    rate("rate_hz", SourceLimits.systemRate)
    rate("rate_hz", SourceLimits.messageRate)
    size("record_size", ByteLimits.record)
    count("column", SourceLimits.column)
    count("baud", ModbusLimits.baud)
    count("unit_address", ModbusLimits.unitAddress)
    duration("timeout", ModbusLimits.timeout)
    rate("rate_hz", ModbusLimits.rate)
    count("width", SourceLimits.width)
    count("height", SourceLimits.height)
    rate("fps", SourceLimits.frameRate)
    size("message_size", SourceLimits.patternMessage)
    count("max_datagram", CollectorLimits.maximumDatagram)
    size("segment_size", CollectorLimits.segment)
    duration("segment_age", CollectorLimits.segmentAge)
    size("chunk_size", CollectorLimits.chunk)
    duration("chunk_age", CollectorLimits.chunkAge)
    duration("sync_interval", CollectorLimits.syncInterval)
    size("reserve", CollectorLimits.reserve)
    count("sessions", CollectorLimits.sessions)
    count("handshakes_per_second", CollectorLimits.handshakes)
    size("max_message", CollectorLimits.message)
    size("memory", CollectorLimits.memory)
    row("receive_threads", "1 to 32", usual: "half the processors")
    duration("udp_retry", TransportLimits.udpRetry)
    count("connections", TransportLimits.connections)
    count("connections_per_address", TransportLimits.perAddress)
    duration("handshake_timeout", TransportLimits.handshake)
    duration("idle_timeout", TransportLimits.idle)
  }
}
