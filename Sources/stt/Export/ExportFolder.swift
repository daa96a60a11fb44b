import Glibc
import STTRecorder

/// Where files of an export go: made when needed; nothing that is there is replaced.
enum ExportFolder {
  /// Makes the directory, not those above it.
  static func make(_ path: String) throws {
    guard mkdir(path, 0o750) == 0 || errno == EEXIST else {
      throw RecorderError(doing: "make the directory", path: path, number: errno)
    }
  }

  /// Calls `body` with every file of `tracks` and where its copy belongs: below `out`, in a folder of its own for each
  /// device's session if there are several.
  static func forEachCopy(
    of tracks: [RecordingFiles.Track], in out: String, _ body: (_ path: String, _ destination: String) throws -> Void
  ) throws {
    try make(out)
    for track in tracks {
      var folder = out
      if tracks.count > 1 {
        for part in track.folder.split(separator: "/").suffix(2) {
          folder += "/\(part)"
          try make(folder)
        }
      }
      for path in track.files {
        let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        try body(path, "\(folder)/\(name)")
      }
    }
  }

  /// `<out>/<device>/<stream>`, made.
  static func folder(_ out: String, for stream: PlayedStream) throws -> String {
    try make(out)
    var path = out
    for name in [stream.device, stream.topic] where !name.isEmpty {
      path += "/" + component(name)
      try make(path)
    }
    return path
  }

  /// `<out>/<device>-<stream>.<ending>`, its directory made.
  static func file(_ out: String, for stream: PlayedStream, _ ending: String) throws -> String {
    try make(out)
    let name = [stream.device, stream.topic].filter { !$0.isEmpty }.map { component($0) }
    return "\(out)/\(name.joined(separator: "-")).\(ending)"
  }

  /// A stream's name as one component: its parts side by side.
  private static func component(_ name: String) -> String {
    RecordingFolder.component(String(name.map { $0 == "/" ? "." : $0 }))
  }
}
