import Glibc

/// The file itself.
enum CatalogueFile {
  static func exists(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0
  }

  /// The journal goes first: one that outlived its database would be played into the next one.
  static func remove(_ path: String) throws(CatalogueError) {
    for name in ["\(path)-journal", "\(path)-wal", "\(path)-shm", path] {
      guard unlink(name) == 0 || errno == ENOENT else {
        throw .failed(path: path, what: "\(name) can't be removed: \(String(cString: strerror(errno)))")
      }
    }
  }
}
