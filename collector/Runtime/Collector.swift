import LinuxEvents
import LinuxUDP
public import Logging
import STC
public import STTBoard
import STTBuffers
import STTIngest
import STTJSON
import STTKeyring
import STTRecorder
import STTSession
import STTWebSocketServer
import STTWire
import Synchronization

/// Why a collector could not start. The text is a sentence for its owner.
public struct CollectorFailure: Error, CustomStringConvertible, Sendable {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// A running collector: one thread that owns the socket and every session, one that owns the disk.
public struct Collector: ~Copyable {
  private static let socketToken: UInt64 = 0
  private static let recorderToken: UInt64 = 1
  private static let signalToken: UInt64 = 2
  private static let statusToken: UInt64 = 3
  private static let webSocketToken: UInt64 = 4
  private static let handshakeToken: UInt64 = 5
  /// Receives between looks at the clock and at what is to be sent.
  private static let receivesPerTurn = 4

  private let configuration: CollectorConfiguration
  private let log: Logger
  private let socket: UDPSocket
  private let webSocket: WebSocketEntrance?
  private let channel: RecorderChannel
  private let recorder: Recorder
  private var core: CollectorCore
  private var receiving: ReceiveBatch
  private var lanes: HandshakeLanes?
  private var sending = TransmitSlab()
  private var poller: Poller
  private let signals: SignalDescriptor
  private let status: StatusSocket?
  private let started = Clocks.monotonic
  private var connected: [Int: Int] = [:]

  /// Opens everything a collector needs: state, keys, recordings, socket.
  public static func open(_ configuration: CollectorConfiguration, log: Logger) throws -> Collector {
    let signals = try SignalDescriptor()
    let state = try StateDirectory(configuration.stateDirectory)
    let pairs = try loadPairs(configuration, log)
    let recorder = try Recorder(
      root: configuration.recording.root, settings: settings(configuration.recording),
      keys: try recordingKeys(configuration, pairs))
    let channel = try RecorderChannel(catalogue: CatalogueKeeper(root: configuration.recording.root, log: log))
    let address = try UDPAddress(host: configuration.listen.host, port: UInt16(configuration.listen.port))
    let socket = try UDPSocket(bind: address)
    let webSocket = try configuration.webSocket.map { try WebSocketEntrance($0, log: log) }
    let pool = BufferPool(slabs(configuration.limits.memoryByteCount))
    var core = try CollectorCore(
      configuration, pairs: pairs, counters: try AcceptedCounters(in: state), pool: pool, channel: channel, log: log)
    core.recall(recorder.positions)
    guard let receiving = ReceiveBatch(pool: pool) else {
      throw CollectorFailure("limits.memory is too small for the receive buffers")
    }
    let poller = try Poller()
    var lanes = HandshakeLanes(beside: socket, pool: pool, token: handshakeToken)
    try lanes?.watch(poller)
    var status: StatusSocket?
    if let path = configuration.statusSocket { status = try StatusSocket(path: path) }
    try poller.add(socket.descriptor, .readable, token: socketToken)
    try poller.add(channel.toReceiver.descriptor, .readable, token: recorderToken)
    try poller.add(signals.descriptor, .readable, token: signalToken)
    let statusDescriptor = status?.descriptor
    if let statusDescriptor { try poller.add(statusDescriptor, .readable, token: statusToken) }
    if let webSocket { try poller.add(webSocket.wakeup.descriptor, .readable, token: webSocketToken) }
    return Collector(
      configuration: configuration, log: log, socket: socket, webSocket: webSocket, channel: channel, recorder: recorder,
      core: core, receiving: receiving, lanes: lanes.take(), poller: poller, signals: signals, status: status.take())
  }

  private init(
    configuration: CollectorConfiguration, log: Logger, socket: consuming UDPSocket,
    webSocket: WebSocketEntrance?, channel: RecorderChannel, recorder: Recorder, core: consuming CollectorCore,
    receiving: consuming ReceiveBatch, lanes: consuming HandshakeLanes?, poller: consuming Poller,
    signals: consuming SignalDescriptor, status: consuming StatusSocket?
  ) {
    self.configuration = configuration
    self.log = log
    self.socket = socket
    self.webSocket = webSocket
    self.channel = channel
    self.recorder = recorder
    self.core = core
    self.receiving = receiving
    self.lanes = lanes
    self.poller = poller
    self.signals = signals
    self.status = status
  }

  private static func loadPairs(_ configuration: CollectorConfiguration, _ log: Logger) throws -> [KnownDevice] {
    var pairs: [KnownDevice] = []
    for device in configuration.devices {
      let loaded = try PairFile.load(device.pair)
      if let warning = loaded.warning { log.warning("\(warning)") }
      pairs.append(
        KnownDevice(
          loaded: loaded, allowsSeedMode: device.allowSeedMode, identity: device.identity, rotateDays: device.rotateDays))
    }
    if let directory = configuration.pairsDirectory {
      let found = try PairFile.loadAll(in: directory)
      for failure in found.failures { log.error("\(failure)") }
      pairs += found.pairs.map {
        KnownDevice(loaded: $0, allowsSeedMode: configuration.allowSeedMode, identity: configuration.identity)
      }
    }
    guard !pairs.isEmpty else {
      throw CollectorFailure(
        "there is no device to serve: make a pair with `stt seed new NAME` and name it under [[device]] or in `pairs`")
    }
    let names = pairs.map(\.pair.name)
    if let double = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw CollectorFailure("two pair files name the device \(double); give each device a name of its own")
    }
    return pairs
  }

  /// Memory, split over the sizes messages come in: one part in eight for messages up to 2 KiB that
  /// wait for an earlier one, two for batches and datagrams, five for large messages.
  private static func slabs(_ byteCount: Int) -> [SlabClass] {
    let eighth = max(byteCount / 8, 4 << 20)
    return [
      SlabClass(byteCount: 2048, count: max(64, eighth / 2048)),
      SlabClass(byteCount: 70_000, count: max(32, eighth * 2 / 70_000)),
      SlabClass(byteCount: 262_144, count: max(16, eighth * 2 / 262_144)),
      SlabClass(byteCount: 16 << 20, count: max(1, eighth * 3 / (16 << 20))),
    ]
  }

  private static func settings(_ recording: CollectorConfiguration.Recording) -> RecorderSettings {
    func nanoseconds(_ duration: Duration) -> UInt64 { UInt64(clamping: Int64(duration / .nanoseconds(1))) }
    return RecorderSettings(
      segmentByteCount: UInt64(recording.segmentByteCount), segmentAge: nanoseconds(recording.segmentAge),
      chunkByteCount: recording.chunkByteCount, chunkAge: nanoseconds(recording.chunkAge),
      syncInterval: nanoseconds(recording.syncInterval), compresses: recording.compression == .zstd,
      reserveByteCount: UInt64(recording.reserveByteCount),
      retention: RetentionPolicy(
        age: recording.keep.map(nanoseconds), byteCount: recording.maximumByteCount.map { UInt64($0) },
        deviceByteCount: recording.maximumDeviceByteCount.map { UInt64($0) },
        dropsOldest: recording.whenFull == .dropOldest,
        rules: recording.policies.map { policy in
          RetentionRule(
            purpose: policy.purpose, device: policy.device, age: policy.keep.map(nanoseconds),
            byteCount: policy.maximumByteCount.map { UInt64($0) }, dropsOldest: policy.whenFull.map { $0 == .dropOldest })
        }))
  }

  /// Serves until SIGINT or SIGTERM, then finishes every recording.
  public mutating func run() throws {
    announce()
    let (recorder, channel, log) = (RecorderHandle(recorder), channel, log)
    let thread = try WorkerThread(name: "stt-recorder") {
      do {
        var loop = try RecorderLoop.open(recorder: recorder.value, channel: channel, log: log)
        loop.run()
      } catch {
        log.critical("the recorder cannot run: \(error)")
      }
    }
    let cataloguing = try WorkerThread(name: "stt-catalogue") {
      do { try channel.catalogue.run() } catch { log.error("the catalogue can't be kept: \(error)") }
    }
    var isStopping = false
    while !isStopping {
      turn()
      try poller.wait(
        until: min(core.endpoint.deadline.nanoseconds, core.seedDuty.due, lanes?.wakeTime ?? .max))
      for index in 0..<poller.count {
        switch poller[index].token {
        case Self.recorderToken: channel.toReceiver.clear()
        case Self.signalToken:
          switch signals.next() {
          case .stop: isStopping = true
          case .reload: core.reload()
          case nil: break
          }
        case Self.statusToken: answerStatus()
        default: break
        }
      }
    }
    log.notice("stopping: finishing recordings")
    core.finishSeeds(now: Clocks.monotonic)
    core.endpoint.close()
    turn()
    channel.isStopping.store(true, ordering: .releasing)
    channel.toRecorder.signal()
    thread.join()
    channel.catalogue.stop()
    takeMarks()
    turn()
    webSocket?.stop()
    cataloguing.join()
  }

  /// One round of the loop: take marks, take datagrams, keep time, send.
  private mutating func turn() {
    takeMarks()
    var more = true
    var reads = 0
    while more, reads < Self.receivesPerTurn {
      more = receive()
      reads += 1
    }
    if let webSocket { Self.receive(webSocket, &core) }
    receiveHandshakes()
    core.endpoint.handleTimeout(now: MonotonicTime(nanoseconds: Clocks.monotonic))
    core.tendSeeds(now: Clocks.monotonic, wall: Clocks.wall)
    // Before anything is answered: who a device is may have to be known, and be on the disk.
    takeEvents()
    transmit()
    takeEvents()
    core.sink.flush()
  }

  private mutating func receive() -> Bool {
    Self.receive(&receiving, socket, &core)
  }

  private static func receive(
    _ receiving: inout ReceiveBatch, _ socket: borrowing UDPSocket, _ core: inout CollectorCore
  ) -> Bool {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    return receiving.receive(from: socket) { datagram, source, ecn in
      core.take(datagram, from: PeerAddress(source), ecn: ECN(bits: ecn), now: now, wall: wall)
    }
  }

  private static func receive(_ webSocket: WebSocketEntrance, _ core: inout CollectorCore) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    webSocket.receive { datagram, source in core.take(datagram, from: source, ecn: .notCapable, now: now, wall: wall) }
  }

  /// After what belongs to sessions, and no more of it than one batch of each kind: a flood of handshakes takes no
  /// more than its share.
  private mutating func receiveHandshakes() {
    Self.receiveHandshakes(&lanes, poller, &core)
  }

  private static func receiveHandshakes(
    _ lanes: inout HandshakeLanes?, _ poller: borrowing Poller, _ core: inout CollectorCore
  ) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    lanes?.receive(poller, now: now.nanoseconds) { datagram, source, ecn in
      core.take(datagram, from: PeerAddress(source), ecn: ECN(bits: ecn), now: now, wall: wall)
    }
  }

  private mutating func transmit() {
    Self.transmit(&sending, socket, webSocket, &core)
    watchWritable()
  }

  private static func transmit(
    _ sending: inout TransmitSlab, _ socket: borrowing UDPSocket, _ webSocket: WebSocketEntrance?,
    _ core: inout CollectorCore
  ) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    sending.drain(socket) { buffer in
      while let outgoing = core.endpoint.transmit(into: buffer, now: now, wall: wall) {
        if !outgoing.address.isWebSocket {
          return (outgoing.byteCount, UDPAddress(outgoing.address), outgoing.mark.rawValue)
        }
        webSocket?.send(UnsafeRawBufferPointer(rebasing: buffer[..<outgoing.byteCount]), to: outgoing.address)
      }
      return nil
    }
  }

  private mutating func watchWritable() {
    guard sending.isBlocked != sending.isWatched else { return }
    sending.isWatched = sending.isBlocked
    let interest: Poller.Interest = sending.isBlocked ? [.readable, .writable] : .readable
    do { try poller.modify(socket.descriptor, interest, token: Self.socketToken) } catch { log.error("\(error)") }
  }

  private mutating func takeMarks() {
    while let mark = channel.marks.pop() {
      core.sink.ledger.durable(mark)
      let session = core.sink.ledger.entries[mark.token].session
      if session >= 0 {
        core.endpoint.markDurable(session: session, token: mark.token, below: mark.number, head: mark.head)
      }
    }
  }

  private mutating func takeEvents() {
    let wall = Clocks.wall
    while let event = core.endpoint.takeEvent() {
      switch event {
      case .established(let peer, let session, let address, let established):
        connected[session] = peer
        core.began(session, id: established.session, peer: peer, wall: wall)
        log.info(
          "\(core.pairs[peer].name) connected\(address.isWebSocket ? " by WebSocket" : ""): \(established.mode), \(established.suite)"
        )
        core.sink.note(
          RecordingEvent(kind: "connected", detail: "\(established.mode) \(established.suite)"), device: peer,
          wall: wall)
      case .ended(let peer, let session, let end, let statistics):
        connected[session] = nil
        core.sink.ledger.sessionEnded(session)
        let recovered = statistics.framesRecovered
        let parity = recovered > 0 ? "; \(recovered) lost frame(s) came from parity" : ""
        log.info("\(core.pairs[peer].name) disconnected: \(end)\(parity)")
        core.sink.note(
          RecordingEvent(kind: "disconnected", detail: "\(end)", count: statistics.packetsReceived), device: peer,
          wall: wall)
      case .identity(let peer, let session, let id, let key):
        core.shown(key, session, id: id, peer: peer, wall: wall)
      case .identityMissing(let peer, _, let flaw):
        core.missing(flaw, peer: peer, wall: wall)
      case .moved(let peer, _, _, let address):
        let way = address.isWebSocket ? "another WebSocket connection" : "another address"
        log.info("\(core.pairs[peer].name) goes on from \(way)")
        core.sink.note(RecordingEvent(kind: "moved", detail: way), device: peer, wall: wall)
      case .proven(let peer, _, let epoch): core.proven(peer, epoch, wall: wall)
      case .seedStored(let peer, let epoch): core.stored(peer, epoch)
      case .seedRefused(let peer, let epoch, let refusal): core.refused(peer, epoch, refusal)
      case .clock(let peer, _, let estimate):
        core.sink.noteClock(estimate, device: peer, wall: wall)
      }
    }
  }

  private func announce() {
    log.notice(
      "listening at \(socket.local), \(core.pairs.count) device(s), recording to \(configuration.recording.root), \(configuration.recording.seal == .sealed ? "sealed" : "plain: whoever gets the files can read them")"
    )
    webSocket?.announce()
    for file in recorder.recovered {
      log.warning(
        "recovered \(file.path): \(file.messageCount) messages kept, \(file.cutByteCount) bytes cut (\(file.reason))")
      if let aside = file.setAside {
        log.error("no torn write explains those bytes, so they are kept in \(aside): `stt verify` tells what is missing")
      }
    }
    let wanted = 8 << 20
    let given = socket.requestReceiveBuffer(wanted)
    _ = socket.requestSendBuffer(wanted)
    if given < wanted {
      log.warning(
        "the kernel gave \(given >> 10) KiB of receive buffer instead of \(wanted >> 10): bursts may be lost; raise net.core.rmem_max"
      )
    }
  }

  private func answerStatus() {
    status?.answer { statusText() }
  }

  private func statusText() -> String {
    let state = channel.state.withLock { $0 }
    var root = JSONObject()
    root.set("program", "stt-collector")
    root.set("uptimeSeconds", Double(Clocks.monotonic - started) / 1e9)
    root.set("sessions", core.endpoint.sessionCount)
    root.set("messagesRecorded", state.messageCount)
    root.set("bytesRecorded", state.byteCount)
    root.set("syncs", state.syncCount)
    root.set("segmentsRemoved", state.removedCount)
    root.set("bytesRemoved", state.removedByteCount)
    root.set("messagesSkipped", core.sink.skippedCount)
    root.set("strayDatagrams", core.endpoint.strayDatagrams)
    root.set("identitiesRefused", core.gate.refusedCount)
    root.set("handshakesRejected", core.endpoint.handshakes.droppedCount)
    root.set("handshakes", JSONObject(core.endpoint.handshakes))
    if let trouble = state.trouble { root.set("trouble", trouble) } else { root.setNull("trouble") }
    webSocket?.describe(into: &root)
    let live = Set(connected.values)
    root.set(
      "devices",
      core.pairs.indices.map { index in
        var device = JSONObject()
        device.set("name", core.pairs[index].name)
        device.set("connected", live.contains(index))
        device.set("seedEpoch", UInt64(core.stores[index].pair.epoch))
        device.set("messages", core.sink.messageCounts[index])
        device.set("bytes", core.sink.byteCounts[index])
        return device
      })
    return root.text + "\n"
  }
}

/// Hands the recorder to its thread: from then on that thread alone touches it.
private final class RecorderHandle: @unchecked Sendable {
  // Sound because the creating thread keeps no way to call the recorder once the thread runs.
  let value: Recorder

  init(_ value: Recorder) { self.value = value }
}

extension PeerAddress {
  init(_ address: UDPAddress) {
    self.init(high: address.high, low: address.low, port: address.port, scope: address.scope)
  }
}

extension UDPAddress {
  init(_ address: PeerAddress) {
    self.init(high: address.high, low: address.low, port: address.port, scope: address.scope)
  }
}
