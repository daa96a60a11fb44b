import Glibc

/// Writes a file that is old or new after a crash, never half: a temporary file is written, synced,
/// moved into place, and the directory synced. The answer is 0 or errno: EEXIST when the name is taken
/// and not to be replaced.
func writeAtomically(
  _ bytes: UnsafeRawBufferPointer, named name: String, in directory: CInt, replacing: Bool
) -> CInt {
  var random: UInt64 = 0
  guard getentropy(&random, 8) == 0 else { return errno }
  let temporary = ".\(name.prefix(200)).\(String(random, radix: 36)).tmp"
  let descriptor = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { return errno }
  // The umask may have taken bits away that the owner needs.
  var code = fchmod(descriptor, 0o600) == 0 ? 0 : errno
  if code == 0 { code = writeAll(bytes, to: descriptor) }
  if code == 0, fsync(descriptor) != 0 { code = errno }
  if close(descriptor) != 0, code == 0 { code = errno }
  if code == 0 {
    // A link, unlike a rename, never replaces.
    let moved =
      replacing ? renameat(directory, temporary, directory, name) : linkat(directory, temporary, directory, name, 0)
    if moved != 0 { code = errno }
  }
  if code != 0 || !replacing { unlinkat(directory, temporary, 0) }
  if code != 0 { return code }
  return fsync(directory) == 0 ? 0 : errno
}

/// Every byte, through short writes and interruptions. The answer is 0 or errno.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> CInt {
  var rest = bytes
  while !rest.isEmpty {
    let count = write(descriptor, rest.baseAddress, rest.count)
    if count < 0 {
      if errno == EINTR { continue }
      return errno
    }
    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
  }
  return 0
}
