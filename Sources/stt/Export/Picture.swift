import STTRecord
import STTSample

/// A picture of a `foxglove.CompressedImage` or `foxglove.CompressedVideo` message.
struct Picture: ~Escapable {
  /// `jpeg`, `png`, `webp`, `h264`.
  let format: String
  let bytes: RawSpan

  /// Whether messages of `stream` are pictures.
  static func isCarried(by stream: PlayedStream) -> Bool {
    ["foxglove.CompressedImage", "foxglove.CompressedVideo"].contains(stream.key.schema?.name ?? "")
  }

  /// `nil` when the message has no picture.
  @_lifetime(copy payload)
  init?(_ payload: RawSpan, _ layout: MessageLayout) {
    var format = ""
    var found: Range<Int>?
    payload.withUnsafeBytes { whole in
      guard let start = whole.baseAddress else { return }
      layout.forEachField(payload) { place, _, bytes in
        switch layout.members[place].name {
        case "format": format = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        case "data":
          bytes.withUnsafeBytes { part in
            if let place = part.baseAddress { found = (place - start)..<(place - start + part.count) }
          }
        default: break
        }
      }
    }
    guard let found, !found.isEmpty else { return nil }
    self.format = format == "jpg" ? "jpeg" : format
    bytes = payload.extracting(found)
  }
}
