import STTBoard

/// Where the keys and values of a text stand, as far as they could be found: a tree beside the
/// library's tree of values.
final class TOMLOutline {
  /// Where the value, or the header of a table, begins.
  var position: ConfigPosition
  /// Where the key was first written.
  let keyPosition: ConfigPosition
  /// In the order of the text, with quoted keys as they are written, escapes unread.
  private(set) var children: [(key: String, outline: TOMLOutline)] = []
  private var indices: [String: Int] = [:]
  /// Of an array.
  var elements: [TOMLOutline] = []

  init(at position: ConfigPosition, key: ConfigPosition? = nil) {
    self.position = position
    keyPosition = key ?? position
  }

  subscript(key: String) -> TOMLOutline? { indices[key].map { children[$0].outline } }

  /// The child of this key, made when there is none.
  func child(_ key: String, at position: ConfigPosition) -> TOMLOutline {
    if let known = self[key] { return known }
    let new = TOMLOutline(at: position)
    indices[key] = children.count
    children.append((key, new))
    return new
  }
}
