import Glibc

extension PairFile {
  /// Writes the pair to a new file of mode 0600 that appears at `path` complete or not at all, and
  /// is on the disk when this returns.
  /// - Parameter replacing: whether an existing file may be replaced, in one step.
  public func write(to path: String, replacing: Bool) throws(PairStoreError) {
    let text: SecretBytes
    do throws(PairFlaw) { text = try self.text(commented: true) } catch { throw .flawed(place: path, error) }
    try writeSecret(text, to: path, replacing: replacing)
  }
}

/// Writes a secret text to a new file of mode 0600 that appears complete or not at all.
func writeSecret(_ text: SecretBytes, to path: String, replacing: Bool) throws(PairStoreError) {
  let (directory, name) = split(path)
  let directoryDescriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard directoryDescriptor >= 0 else { throw .unwritable(path: path, code: errno) }
  defer { close(directoryDescriptor) }
  if !replacing, faccessat(directoryDescriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { throw .exists(path: path) }
  let code = text.withUnsafeBytes { bytes in
    writeAtomically(bytes, named: name, in: directoryDescriptor, replacing: replacing)
  }
  if code == EEXIST { throw .exists(path: path) }
  if code != 0 { throw .unwritable(path: path, code: code) }
}

func split(_ path: String) -> (directory: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let directory = path[..<slash]
  return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
}
