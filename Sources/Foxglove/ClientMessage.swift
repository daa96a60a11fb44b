import FoundationEssentials
import NIOCore

/// What a viewer asks for (foxglove.websocket.v1, client messages).
enum ClientMessage: Equatable {
  case subscribe([(id: UInt32, channel: UInt32)])
  case unsubscribe([UInt32])
  /// Something this server does not offer.
  case other(String)

  private struct Text: Decodable {
    struct Subscription: Decodable {
      var id: UInt32
      var channelId: UInt32
    }

    var op: String
    var subscriptions: [Subscription]?
    var subscriptionIds: [UInt32]?
  }

  /// `nil` for what is no message of the protocol.
  init?(_ bytes: ByteBuffer) {
    guard let text = try? JSONDecoder().decode(Text.self, from: Data(bytes.readableBytesView)) else { return nil }
    switch text.op {
    case "subscribe":
      guard let subscriptions = text.subscriptions else { return nil }
      self = .subscribe(subscriptions.map { ($0.id, $0.channelId) })
    case "unsubscribe":
      guard let ids = text.subscriptionIds else { return nil }
      self = .unsubscribe(ids)
    default: self = .other(text.op)
    }
  }

  static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.subscribe(let a), .subscribe(let b)): a.elementsEqual(b, by: ==)
    case (.unsubscribe(let a), .unsubscribe(let b)): a == b
    case (.other(let a), .other(let b)): a == b
    default: false
    }
  }
}
