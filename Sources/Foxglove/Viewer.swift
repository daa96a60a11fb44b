import NIOCore
import NIOWebSocket
import STTJSON
import Synchronization

/// A connected viewer: what it subscribed to, and what is on its way to it.
final class Viewer: Sendable {
  /// Bytes that may be on their way. A viewer that is slower than the replay loses messages, and not the server
  /// its memory.
  static let mostPending = 16 << 20
  /// Channels a viewer may subscribe to at once.
  static let mostSubscriptions = 4096

  private let channel: any Channel
  /// By channel: the subscription's id, which the viewer chose.
  private let subscriptions = Mutex<[UInt32: UInt32]>([:])
  private let pending = Atomic<Int>(0)
  /// Messages dropped since the viewer was told.
  private let dropped = Atomic<Int>(0)

  init(_ channel: any Channel) { self.channel = channel }

  /// Takes subscriptions to channels that are there; answers what is wrong with the others.
  func subscribe(_ wanted: [(id: UInt32, channel: UInt32)], isKnown: (UInt32) -> Bool) -> [String] {
    subscriptions.withLock { subscriptions in
      var problems: [String] = []
      for (id, channel) in wanted {
        if !isKnown(channel) {
          problems.append("there is no channel \(channel)")
        } else if subscriptions[channel] == nil, subscriptions.count >= Self.mostSubscriptions {
          problems.append("at most \(Self.mostSubscriptions) subscriptions are possible")
        } else {
          subscriptions[channel] = id
        }
      }
      return problems
    }
  }

  func unsubscribe(_ ids: [UInt32]) {
    subscriptions.withLock { subscriptions in subscriptions = subscriptions.filter { !ids.contains($0.value) } }
  }

  var isSubscribed: Bool { subscriptions.withLock { !$0.isEmpty } }

  /// Sends a message of `channel` if the viewer wants it. `false`: it was dropped.
  func send(channel id: UInt32, logTime: UInt64, payload: UnsafeRawBufferPointer) -> Bool {
    guard let subscription = subscriptions.withLock({ $0[id] }) else { return true }
    guard pending.load(ordering: .relaxed) + payload.count <= Self.mostPending else {
      dropped.add(1, ordering: .relaxed)
      return false
    }
    // Message Data: opcode 1, subscription, receive time, payload.
    var data = self.channel.allocator.buffer(capacity: 13 + payload.count)
    data.writeInteger(UInt8(1))
    data.writeInteger(subscription, endianness: .little)
    data.writeInteger(logTime, endianness: .little)
    data.writeBytes(payload)
    write(.binary, data)
    tellOfDropped()
    return true
  }

  /// Time: opcode 2, nanoseconds.
  func send(time: UInt64) {
    var data = channel.allocator.buffer(capacity: 9)
    data.writeInteger(UInt8(2))
    data.writeInteger(time, endianness: .little)
    write(.binary, data)
  }

  func send(_ text: JSONObject) { write(.text, ByteBuffer(string: text.text)) }

  /// Level 0 is information, 1 a warning, 2 an error.
  func send(status level: UInt64, _ message: String) {
    var status = JSONObject()
    status.set("op", "status")
    status.set("level", level)
    status.set("message", message)
    send(status)
  }

  private func tellOfDropped() {
    guard dropped.load(ordering: .relaxed) > 0, pending.load(ordering: .relaxed) < Self.mostPending / 2 else { return }
    let count = dropped.exchange(0, ordering: .relaxed)
    send(status: 1, "\(count) messages were left out: this viewer or its network is slower than the replay")
  }

  private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
    let length = data.readableBytes
    pending.add(length, ordering: .relaxed)
    channel.writeAndFlush(WebSocketFrame(fin: true, opcode: opcode, data: data)).whenComplete { [self] _ in
      pending.subtract(length, ordering: .relaxed)
    }
  }

  /// Says goodbye behind what was sent, and closes; a second later at most.
  func leave() -> EventLoopFuture<Void> {
    var data = channel.allocator.buffer(capacity: 2)
    data.write(webSocketErrorCode: .goingAway)
    let channel = channel
    channel.writeAndFlush(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)).whenComplete { _ in
      channel.close(promise: nil)
    }
    channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    return channel.closeFuture
  }
}
