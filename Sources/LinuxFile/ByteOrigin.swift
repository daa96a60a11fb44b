/// Where a stream's bytes come from.
public enum ByteOrigin: Hashable, Sendable {
  /// A file, FIFO or character device.
  case file(path: String)
  case serial(SerialLine)
  /// A UNIX socket that somebody listens at.
  case socket(path: String)
  case command(Command)

  /// What it is called in messages.
  var name: String {
    switch self {
    case .file(let path), .socket(let path): path
    case .serial(let line): line.path
    case .command(let command): command.name
    }
  }
}

/// A program whose standard output is the stream.
public struct Command: Hashable, Sendable {
  /// When it is started again after it ended.
  public enum Restart: Hashable, Sendable { case always, onFailure, never }

  /// The program, found as a shell finds it, and its arguments; no shell looks at them.
  public var arguments: [String]
  public var restart: Restart

  public init(_ arguments: [String], restart: Restart = .always) {
    self.arguments = arguments
    self.restart = restart
  }

  var name: String { arguments.first ?? "a command without a name" }
}
