import LinuxEvents
import STTIngest
import STTJSON
import STTKeyring
import STTSession
import Synchronization

extension Collector {
  func answerStatus() {
    status?.answer { statusText() }
  }

  private func statusText() -> String {
    let state = channel.state.withLock { $0 }
    var root = JSONObject()
    root.set("program", "stt-collector")
    root.set("uptimeSeconds", Double(Clocks.monotonic - started) / 1e9)
    root.set("sessions", core.threads.sessionCount)
    root.set("receiveThreads", core.threads.count)
    root.set("messagesRecorded", state.messageCount)
    root.set("bytesRecorded", state.byteCount)
    root.set("syncs", state.syncCount)
    root.set("segmentsRemoved", state.removedCount)
    root.set("bytesRemoved", state.removedByteCount)
    root.set("messagesSkipped", total(\.skipped))
    root.set("eventsSkipped", total(\.skippedEvents))
    root.set("strayDatagrams", total(\.stray))
    root.set("datagramsPassedOn", total(\.passedOn))
    root.set("identitiesRefused", core.gate.refusedCount)
    root.set("handshakesRejected", core.sessions.endpoint.handshakes.droppedCount)
    root.set("handshakes", JSONObject(core.sessions.endpoint.handshakes))
    if let trouble = state.trouble { root.set("trouble", trouble) } else { root.setNull("trouble") }
    webSocket?.describe(into: &root)
    root.set(
      "devices",
      core.pairs.indices.map { index in
        var device = JSONObject()
        let tally = core.threads.tally(of: index)
        device.set("name", core.pairs[index].name)
        device.set("connected", tally.isConnected(index))
        device.set("seedEpoch", UInt64(core.stores[index].pair.epoch))
        device.set("messages", tally.messages(of: index))
        device.set("bytes", tally.bytes(of: index))
        return device
      })
    return root.text + "\n"
  }
  /// Of all receive threads.
  private func total(_ counter: KeyPath<Tally, UInt64>) -> UInt64 {
    core.threads.tallies.reduce(0) { $0 &+ $1[keyPath: counter] }
  }
}
