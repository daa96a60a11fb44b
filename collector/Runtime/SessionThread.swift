import DequeModule
import LinuxEvents
import LinuxUDP
import Logging
import STTBoard
import STTIngest
import STTSession
import STTWire

/// Another receive thread than the first: its share of the sessions, on a socket of its own.
struct SessionThread: ~Copyable {
  private static let socketToken: UInt64 = 0
  private static let wakeupToken: UInt64 = 1

  private var sessions: Sessions
  private var socket: SessionSocket
  private var poller: Poller
  private let webSocket: WebSocketEntrance?
  private let log: Logger
  private var isLeaving = false

  static func open(
    _ sessions: consuming Sessions, _ socket: consuming SessionSocket, webSocket: WebSocketEntrance?
  ) throws(SystemFailure) -> SessionThread {
    let poller = try Poller()
    try poller.add(socket.socket.descriptor, .readable, token: socketToken)
    try poller.add(sessions.threads.wakeups[sessions.share.thread].descriptor, .readable, token: wakeupToken)
    return SessionThread(sessions, socket, poller, webSocket)
  }

  private init(
    _ sessions: consuming Sessions, _ socket: consuming SessionSocket, _ poller: consuming Poller,
    _ webSocket: WebSocketEntrance?
  ) {
    for device in sessions.devices {
      let index = sessions.endpoint.addElsewhere()
      if device.identity != .off { sessions.endpoint.askIdentity(of: index) }
    }
    log = sessions.log
    self.sessions = sessions
    self.socket = socket
    self.poller = poller
    self.webSocket = webSocket
  }

  /// Until it is asked to leave.
  mutating func run() {
    while true {
      sessions.threads.wakeups[sessions.share.thread].clear()
      turn()
      if isLeaving { return }
      do { try poller.wait(until: sessions.endpoint.deadline.nanoseconds) } catch {
        return sessions.threads.news.post(.failed("\(error)"))
      }
    }
  }

  private mutating func turn() {
    var hasClosed = false
    let wall = Clocks.wall
    for order in sessions.threads.orders[sessions.share.thread].take() {
      sessions.apply(order, wall: wall)
      if case .close = order { hasClosed = true }
      if case .leave = order { isLeaving = true }
    }
    sessions.takeMarks()
    sessions.resume(wall: Clocks.wall)
    Self.receive(&socket, &sessions)
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    sessions.takeAstray(now: now, wall: Clocks.wall)
    sessions.endpoint.handleTimeout(now: now)
    tell()
    socket.transmit(&sessions.endpoint, webSocket)
    socket.watchWritable(poller, token: Self.socketToken, log)
    tell()
    sessions.sink.flush()
    if hasClosed { sessions.threads.news.post(.closed(thread: sessions.share.thread)) }
  }

  private static func receive(_ socket: inout SessionSocket, _ sessions: inout Sessions) {
    socket.receive { datagram, source, ecn, now, wall in
      sessions.take(datagram, from: source, ecn: ecn, now: now, wall: wall) { _, _, _ in false }
    }
  }

  private mutating func tell() {
    sessions.takeEvents(wall: Clocks.wall)
    while let news = sessions.news.popFirst() { sessions.threads.news.post(news) }
  }
}
