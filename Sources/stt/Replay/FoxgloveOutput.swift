import LinuxEvents
import STTFoxglove
import STTRecord

/// A replay for viewers such as Foxglove.
final class FoxgloveOutput: ReplayOutput {
  private static let timeInterval: UInt64 = 20_000_000

  private let server: FoxgloveServer
  /// Ids of channels: places among the streams known before, by key.
  private let ids: [PlayedStream.Key: UInt32]
  private var toldTimeAt: UInt64 = 0

  init(_ streams: [PlayedStream], host: String, port: Int, name: String, origins: [String]) throws {
    server = try FoxgloveServer(host: host, port: port, name: name, origins: origins)
    ids = Dictionary(streams.enumerated().map { ($1.key, UInt32($0 + 1)) }) { first, _ in first }
    let devices = Set(streams.map(\.device).filter { !$0.isEmpty })
    server.advertise(
      streams.enumerated().map { place, stream in
        let schema = stream.key.schema
        return FoxgloveChannel(
          id: UInt32(place + 1),
          topic: devices.count > 1 && !stream.device.isEmpty ? "\(stream.device)/\(stream.topic)" : stream.topic,
          // Payloads without a schema mean nothing to a viewer, and a program may still want them.
          encoding: schema?.encoding ?? "application/octet-stream", schemaName: schema?.name ?? "",
          schema: schema?.data ?? [], schemaEncoding: schema?.encoding ?? "")
      })
  }

  var port: Int { server.port }

  /// Waits until a viewer wants something; `false`: somebody quit.
  func waitForViewer(_ keys: TerminalKeys) throws -> Bool {
    while !server.hasSubscriber {
      if case .quit? = try keys.wait(until: Clocks.monotonic + 20_000_000) { return false }
    }
    return true
  }

  func play(_ message: PlayedMessage) throws {
    guard let id = ids[message.stream.key] else { return }
    tell(message.logTime)
    message.payload.withUnsafeBytes { server.send(channel: id, logTime: message.logTime, payload: $0) }
  }

  func rest(_ state: ReplayState) throws {
    if state.media > 0 { tell(state.media) }
  }

  private func tell(_ media: UInt64) {
    let now = Clocks.monotonic
    guard now - toldTimeAt >= Self.timeInterval else { return }
    toldTimeAt = now
    server.send(time: media)
  }

  func finish() throws -> [String] {
    server.stop()
    let dropped = server.droppedMessageCount
    return dropped == 0 ? [] : ["\(dropped) messages were left out for viewers that were too slow"]
  }
}
