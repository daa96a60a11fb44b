/// Why a catalogue can't be used. Recordings are read and written without it.
public enum CatalogueError: Error, Hashable, Sendable, CustomStringConvertible {
  case missing(path: String)
  /// Not one of ours, of another version, or with bytes gone bad: to be made anew.
  case damaged(path: String, what: String)
  /// Another program writes to it.
  case locked(path: String)
  case failed(path: String, what: String)

  public var description: String {
    switch self {
    case .missing(let path): "there is no catalogue at \(path): make it with `stt catalogue rebuild`"
    case .damaged(let path, let what):
      "the catalogue \(path) can't be used (\(what)): make it anew with `stt catalogue rebuild`"
    case .locked(let path): "the catalogue \(path) is locked by another program: try again when that has ended"
    case .failed(let path, let what): "the catalogue \(path) can't be read or written: \(what)"
    }
  }

  public var isDamage: Bool {
    if case .damaged = self { return true }
    return false
  }
}
