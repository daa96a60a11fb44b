import NIOCore
import STTJSON
import Synchronization

/// Viewers and channels, for the event loop and whoever plays.
final class ViewerTable: Sendable {
  /// Viewers at once.
  static let mostViewers = 64

  private struct State {
    var viewers: [Int: Viewer] = [:]
    var next = 0
    var channels: [UInt32: FoxgloveChannel] = [:]
  }

  private let state = Mutex(State())
  private let info: JSONObject

  init(name: String, sessionID: String) {
    var info = JSONObject()
    info.set("op", "serverInfo")
    info.set("name", name)
    info.set("capabilities", texts: ["time"])
    info.set("metadata", JSONObject())
    info.set("sessionId", sessionID)
    self.info = info
  }

  /// Greets a viewer; `nil` when there are too many.
  func add(_ channel: any Channel) -> Viewer? {
    let viewer = Viewer(channel)
    let added: (place: Int, channels: [FoxgloveChannel])? = state.withLock { state in
      guard state.viewers.count < Self.mostViewers else { return nil }
      state.next += 1
      state.viewers[state.next] = viewer
      return (state.next, state.channels.values.sorted { $0.id < $1.id })
    }
    guard let added else { return nil }
    channel.closeFuture.whenComplete { [self] _ in state.withLock { $0.viewers[added.place] = nil } }
    viewer.send(info)
    if !added.channels.isEmpty { viewer.send(Self.advertisement(added.channels)) }
    return viewer
  }

  func hasChannel(_ id: UInt32) -> Bool { state.withLock { $0.channels[id] != nil } }

  func advertise(_ channels: [FoxgloveChannel]) {
    let viewers = state.withLock { state in
      for channel in channels { state.channels[channel.id] = channel }
      return Array(state.viewers.values)
    }
    for viewer in viewers { viewer.send(Self.advertisement(channels)) }
  }

  private static func advertisement(_ channels: [FoxgloveChannel]) -> JSONObject {
    var object = JSONObject()
    object.set("op", "advertise")
    object.set("channels", channels.map(\.json))
    return object
  }

  var viewers: [Viewer] { state.withLock { Array($0.viewers.values) } }
}
