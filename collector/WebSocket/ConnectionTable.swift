import DequeModule
import NIOCore
import STTSession
import STTWebSocket
import Synchronization

/// What the event loop and the receiving thread share: who is connected, and what has come.
final class ConnectionTable: Sendable {
  struct Datagram: Sendable {
    var bytes: ByteBuffer
    var source: PeerAddress
  }

  private struct Connection: Sendable {
    let channel: any Channel
    let queue: DatagramQueue
  }

  private struct State: Sendable {
    var connections: [PeerAddress: Connection] = [:]
    var perHost: [PeerAddress: Int] = [:]
    var lastNumber: UInt32 = 0
    /// Accepted by the kernel, not closed yet, whatever they are.
    var socketCount = 0
    var incoming = Deque<Datagram>()
    var incomingByteCount = 0
    var isNotified = false
    var counters = WebSocketServerCounters()
  }

  /// What waits for the receiving thread at most, which takes all of it at every turn.
  private static let mostIncomingBytes = 4 << 20
  private static let overheadByteCount = 128

  private let settings: WebSocketServerSettings
  private let notify: @Sendable () -> Void
  private let state = Mutex(State())

  init(_ settings: WebSocketServerSettings, notify: @escaping @Sendable () -> Void) {
    self.settings = settings
    self.notify = notify
  }

  // MARK: - The event loop

  /// Whether there is room for one more socket. Twice as many as connections: those that are still on
  /// their way to being one must not keep others out.
  func openSocket() -> Bool {
    state.withLock { state in
      guard state.socketCount < settings.connectionCount * 2 else {
        state.counters.overLimit += 1
        return false
      }
      state.socketCount += 1
      return true
    }
  }

  func closeSocket() { state.withLock { $0.socketCount -= 1 } }

  func countRefused() { state.withLock { $0.counters.refused += 1 } }
  func countViolation() { state.withLock { $0.counters.violations += 1 } }

  /// Whether one more connection from `host` is within the limits.
  func hasRoom(for host: PeerAddress) -> Bool {
    state.withLock { state in
      let hasRoom =
        state.connections.count < settings.connectionCount
        && state.perHost[host.withoutConnection, default: 0] < settings.connectionsPerAddress
      if !hasRoom { state.counters.overLimit += 1 }
      return hasRoom
    }
  }

  /// Gives the connection the address by which the core knows it.
  func add(_ channel: any Channel, queue: DatagramQueue, from remote: PeerAddress) -> PeerAddress {
    state.withLock { state in
      var address = remote
      repeat {
        state.lastNumber &+= 1
        address.scope = PeerAddress.webSocketMark | state.lastNumber
      } while state.connections[address] != nil
      state.connections[address] = Connection(channel: channel, queue: queue)
      state.perHost[remote.withoutConnection, default: 0] += 1
      state.counters.accepted += 1
      return address
    }
  }

  func remove(_ address: PeerAddress) {
    state.withLock { state in
      guard let connection = state.connections.removeValue(forKey: address) else { return }
      state.counters.droppedOutgoing += connection.queue.droppedCount
      let host = address.withoutConnection
      if let count = state.perHost[host], count > 1 { state.perHost[host] = count - 1 } else { state.perHost[host] = nil }
    }
  }

  func received(_ datagram: Datagram) {
    let wakes = state.withLock { state in
      let cost = datagram.bytes.readableBytes + Self.overheadByteCount
      guard state.incomingByteCount + cost <= Self.mostIncomingBytes else {
        state.counters.droppedIncoming += 1
        return false
      }
      state.incoming.append(datagram)
      state.incomingByteCount += cost
      state.counters.received += 1
      defer { state.isNotified = true }
      return !state.isNotified
    }
    if wakes { notify() }
  }

  // MARK: - The receiving thread

  func takeIncoming() -> Deque<Datagram> {
    state.withLock { state in
      state.isNotified = false
      state.incomingByteCount = 0
      let taken = state.incoming
      state.incoming = Deque()
      return taken
    }
  }

  func send(_ datagram: UnsafeRawBufferPointer, to address: PeerAddress) {
    let connection = state.withLock { state in
      state.counters.sent += 1
      return state.connections[address]
    }
    // It may have gone meanwhile: then it is as with any datagram to somebody who left.
    guard let connection else { return }
    if connection.queue.push(ByteBuffer(bytes: datagram)) {
      connection.channel.pipeline.fireUserInboundEventTriggered(DatagramHandler.Wake())
    }
  }

  var counters: WebSocketServerCounters {
    state.withLock { state in
      var counters = state.counters
      counters.open = state.connections.count
      for connection in state.connections.values { counters.droppedOutgoing += connection.queue.droppedCount }
      return counters
    }
  }
}

extension PeerAddress {
  /// The scope of a UDP address is the number of a network interface, which the kernel keeps below 2^31;
  /// with this bit it is the number of a WebSocket connection.
  static let webSocketMark: UInt32 = 1 << 31

  /// Whether this is a connection of a ``WebSocketServer`` rather than an address of UDP.
  public var isWebSocket: Bool { scope & Self.webSocketMark != 0 }

  fileprivate var withoutConnection: PeerAddress { PeerAddress(high: high, low: low, port: 0) }

  /// An address of a socket; `nil` for what is no address of the Internet.
  init?(_ address: SocketAddress) {
    switch address {
    case .v4(let v4):
      // After family and port (ip(7)).
      let number = Self.number(v4.address, at: 4, as: UInt32.self)
      self.init(high: 0, low: 0xFFFF << 32 | UInt64(number), port: UInt16(clamping: address.port ?? 0))
    case .v6(let v6):
      // After family, port and flow label (ipv6(7)).
      self.init(
        high: Self.number(v6.address, at: 8, as: UInt64.self), low: Self.number(v6.address, at: 16, as: UInt64.self),
        port: UInt16(clamping: address.port ?? 0))
    case .unixDomainSocket: return nil
    }
  }

  private static func number<Structure, Number: FixedWidthInteger & BitwiseCopyable>(
    _ structure: Structure, at offset: Int, as type: Number.Type
  ) -> Number {
    withUnsafeBytes(of: structure) { Number(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: type)) }
  }
}
