import LinuxEvents
import LinuxUDP
import Logging
import STTBoard
import STTIngest
import STTRecorder
import STTSession
import STTWire
import Synchronization

/// Why a collector could not start. The text is a sentence for its owner.
public struct CollectorFailure: Error, CustomStringConvertible, Sendable {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// A running collector: threads that each own a socket and some of the sessions, one that owns the disk.
public struct Collector: ~Copyable {
  static let socketToken: UInt64 = 0
  static let wakeupToken: UInt64 = 1
  static let signalToken: UInt64 = 2
  static let statusToken: UInt64 = 3
  static let webSocketToken: UInt64 = 4
  static let handshakeToken: UInt64 = 5
  /// Nanoseconds the other threads have to end their sessions.
  private static let closingTime: UInt64 = 5_000_000_000

  let configuration: CollectorConfiguration
  let log: Logger
  private var socket: SessionSocket
  let webSocket: WebSocketEntrance?
  let channel: RecorderChannel
  let recorder: Recorder
  var core: CollectorCore
  private var lanes: HandshakeLanes?
  private var poller: Poller
  private let signals: SignalDescriptor
  let status: StatusSocket?
  /// The receive threads beside the first, until they run.
  private let others: [Box<SessionThread>]
  let started = Clocks.monotonic

  init(
    configuration: CollectorConfiguration, log: Logger, socket: consuming SessionSocket, webSocket: WebSocketEntrance?,
    channel: RecorderChannel, recorder: Recorder, core: consuming CollectorCore, lanes: consuming HandshakeLanes?,
    poller: consuming Poller, signals: consuming SignalDescriptor, status: consuming StatusSocket?,
    others: [Box<SessionThread>]
  ) {
    self.configuration = configuration
    self.log = log
    self.socket = socket
    self.webSocket = webSocket
    self.channel = channel
    self.recorder = recorder
    self.core = core
    self.lanes = lanes
    self.poller = poller
    self.signals = signals
    self.status = status
    self.others = others
  }

  /// Serves until SIGINT or SIGTERM, then finishes every recording.
  public mutating func run() throws {
    announce()
    let (recorder, channel, log) = (Box(recorder), channel, log)
    let thread = try WorkerThread(name: "stt-recorder") {
      guard let recorder = recorder.take() else { return }
      do {
        var loop = try RecorderLoop.open(recorder: recorder, channel: channel, log: log)
        loop.run()
      } catch {
        log.critical("the recorder cannot run: \(error)")
      }
    }
    let cataloguing = try WorkerThread(name: "stt-catalogue") {
      do { try channel.catalogue.run() } catch { log.error("the catalogue can't be kept: \(error)") }
    }
    let receiving = try others.map { other in
      try WorkerThread(name: "stt-receive") {
        guard var sessions = other.take() else { return }
        sessions.run()
      }
    }
    var isStopping = false
    while !isStopping {
      turn()
      try wait(until: .max)
      isStopping = takeRequests() || core.threadFailure != nil
    }
    log.notice("stopping: finishing recordings")
    core.finishSeeds(now: Clocks.monotonic)
    core.sessions.endpoint.close()
    try closeOthers()
    turn()
    channel.isStopping.store(true, ordering: .releasing)
    channel.toRecorder.signal()
    thread.join()
    channel.catalogue.stop()
    // What the end of the recording made durable, devices are still told.
    core.sessions.takeMarks()
    turn()
    for index in others.indices { core.threads.orders[index + 1].post(.leave) }
    for thread in receiving { thread.join() }
    webSocket?.stop()
    cataloguing.join()
    if let failure = core.threadFailure { throw CollectorFailure("a receive thread failed: \(failure)") }
  }

  /// Until all other threads have ended their sessions and given the recorder what they had; or for a while, if one
  /// waits for a recorder that takes nothing, or one failed.
  private mutating func closeOthers() throws {
    for index in others.indices { core.threads.orders[index + 1].post(.close) }
    let end = Clocks.monotonic + Self.closingTime
    while core.closedThreads.count < others.count, core.threadFailure == nil, Clocks.monotonic < end {
      turn()
      guard core.closedThreads.count < others.count, core.threadFailure == nil else { return }
      try wait(until: end)
      _ = takeRequests()
    }
  }

  private mutating func wait(until end: UInt64) throws {
    try poller.wait(
      until: min(core.sessions.endpoint.deadline.nanoseconds, core.seedDuty.due, lanes?.wakeTime ?? .max, end))
  }

  /// What woke the thread beside datagrams. `true`: it is to stop.
  private mutating func takeRequests() -> Bool {
    var isStopping = false
    for index in 0..<poller.count {
      switch poller[index].token {
      case Self.wakeupToken: core.threads.wakeups[0].clear()
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
    return isStopping
  }

  /// One round of the loop: take marks, take datagrams, keep time, send.
  private mutating func turn() {
    core.sessions.takeMarks()
    core.sessions.resume(wall: Clocks.wall)
    Self.receive(&socket, &core)
    if let webSocket { Self.receive(webSocket, &core) }
    Self.receiveHandshakes(&lanes, poller, &core)
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    core.sessions.takeAstray(now: now, wall: wall)
    core.sessions.endpoint.handleTimeout(now: now)
    // A session that begins comes before the end of its seed.
    core.takeEvents(wall: wall)
    core.tendSeeds(now: now.nanoseconds, wall: wall)
    // Before anything is answered: who a device is may have to be known, and be on the disk.
    core.takeEvents(wall: Clocks.wall)
    socket.transmit(&core.sessions.endpoint, webSocket)
    socket.watchWritable(poller, token: Self.socketToken, log)
    core.takeEvents(wall: Clocks.wall)
    core.sessions.sink.flush()
  }

  private static func receive(_ socket: inout SessionSocket, _ core: inout CollectorCore) {
    socket.receive { datagram, source, ecn, now, wall in
      core.take(datagram, from: source, ecn: ecn, now: now, wall: wall)
    }
  }

  private static func receive(_ webSocket: WebSocketEntrance, _ core: inout CollectorCore) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    webSocket.receive { datagram, source in core.take(datagram, from: source, ecn: .notCapable, now: now, wall: wall) }
  }

  /// After what belongs to sessions, and no more of it than one batch of each kind: a flood of handshakes takes no
  /// more than its share.
  private static func receiveHandshakes(
    _ lanes: inout HandshakeLanes?, _ poller: borrowing Poller, _ core: inout CollectorCore
  ) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    lanes?.receive(poller, now: now.nanoseconds) { datagram, source, ecn in
      core.take(datagram, from: PeerAddress(source), ecn: ECN(bits: ecn), now: now, wall: wall)
    }
  }

  private func announce() {
    let threads = others.isEmpty ? "" : " on \(others.count + 1) threads"
    log.notice(
      "listening at \(socket.socket.local)\(threads), \(core.pairs.count) device(s), recording to \(configuration.recording.root), \(configuration.recording.seal == .sealed ? "sealed" : "plain: whoever gets the files can read them")"
    )
    webSocket?.announce()
    for file in recorder.recovered {
      log.warning(
        "recovered \(file.path): \(file.messageCount) messages kept, \(file.cutByteCount) bytes cut (\(file.reason))")
      if let aside = file.setAside {
        log.error("no torn write explains those bytes, so they are kept in \(aside): `stt verify` tells what is missing")
      }
    }
    if let warning = socket.enlargeBuffers() { log.warning("\(warning)") }
  }
}
