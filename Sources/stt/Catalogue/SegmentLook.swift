import STTCatalogue
import STTRecord
import STTRecorder

/// Looks into segments whose streams the catalogue can't know: sealed ones, and the one being recorded.
struct SegmentLook {
  let keys: KeySources
  let selection: ReadSelection

  /// Whether a segment holds a message that was asked for; it is read up to the first. `nil`: no key opens it, or it
  /// can't be read.
  func finds(_ path: String) -> Bool? {
    let reader = MergedReader([RecordingFiles.Track(folder: path, files: [path])], keys: keys, selection)
    do { return try reader.next { _, _ in } } catch is ReadSelection.NoSuchStream { return false } catch { return nil }
  }
}
