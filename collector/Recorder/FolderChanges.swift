/// Folders whose segments were begun, ended or removed.
final class FolderChanges {
  private var names: Set<String> = []

  /// - Parameter folder: `device/purpose`.
  func note(_ folder: String) { names.insert(folder) }

  func take() -> [String] {
    guard !names.isEmpty else { return [] }
    defer { names = [] }
    return Array(names)
  }
}
