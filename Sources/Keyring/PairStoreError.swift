import Glibc
public import STTBoard

/// Why a pair could not be read or written. Every case says what to do.
public enum PairStoreError: Error, CustomStringConvertible {
  /// The text is there and is no pair; `place` is a path or what stands for one.
  case flawed(place: String, PairFlaw)
  /// The text is there and is no identity.
  case noIdentity(place: String, IdentityFlaw)
  /// The system refused; `code` is errno.
  case unreadable(place: String, code: CInt)
  case unwritable(path: String, code: CInt)
  case symbolicLink(path: String)
  case notRegular(path: String)
  /// Others than the owner may read or write it.
  case tooOpen(path: String, mode: UInt32)
  case foreignOwner(path: String, owner: UInt32)
  /// The file exists and was not to be replaced.
  case exists(path: String)
  case noVariable(name: String)
  /// A pair that was to be changed is not kept in a file of ours.
  case fixed(PairReference)
  /// Another pair lies where a program's own was.
  case otherPair(path: String)
  /// Not started by systemd with that credential.
  case noCredentialsDirectory(name: String)

  public var description: String {
    switch self {
    case .flawed(let place, let flaw): "\(place): \(flaw.sentence)"
    case .noIdentity(let place, let flaw): "\(place): \(flaw.sentence)"
    case .unreadable(let place, let code):
      "\(place): \(String(cString: strerror(code))). \(Self.remedy(code))"
    case .unwritable(let path, let code):
      "\(path): cannot be written: \(String(cString: strerror(code))). Choose another directory, or make this one writable."
    case .symbolicLink(let path):
      "\(path): is a symbolic link, which somebody could turn elsewhere. Give the path of the file itself."
    case .notRegular(let path): "\(path): is no regular file. Give the path of the file itself."
    case .tooOpen(let path, let mode):
      "\(path): others than its owner can open it (mode \(String(mode & 0o7777, radix: 8))). Run: chmod 600 \(path)"
    case .foreignOwner(let path, let owner):
      "\(path): belongs to user \(owner), who could change it at any time. Run: chown \(geteuid()) \(path)"
    case .exists(let path):
      "\(path): exists already, and replacing it cuts its device off. Choose another name, or add --force."
    case .fixed(let reference):
      "\(reference): cannot be changed from here, being a copy handed to the program. Change the file it was made from with `stt seed rotate`, bring it to both ends, and restart; or keep the pair as file:/PATH."
    case .otherPair(let path):
      "\(path): is another pair now (other ids), which takes a restart. Put the old one back, or restart the program."
    case .noVariable(let name): "env:\(name): the variable is not set. Export it, or keep the secret in a file."
    case .noCredentialsDirectory(let name):
      "credential:\(name): CREDENTIALS_DIRECTORY is not set. Start the program from its systemd unit with LoadCredential=\(name):/etc/stt/NAME.pair, or use file:."
    }
  }

  private static func remedy(_ code: CInt) -> String {
    switch code {
    case ENOENT: "Make a pair with `stt seed new`, an identity with `stt identity new`, or give the right path."
    case EACCES: "Run as the file's owner, or hand the pair over with systemd's LoadCredential."
    case EBADF: "No such descriptor was inherited."
    default: "Check the path and the disk."
    }
  }
}
