import STTSample

/// What travels from a source's thread to the session's.
enum SourceItem: ~Copyable {
  case output(stream: Int, SourceOutput)
  case event(stream: Int, SourceEvent)
}
