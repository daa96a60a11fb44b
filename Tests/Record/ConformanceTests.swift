import Foundation
import STC
import STTChecksum
import STTSample
import Testing

@testable import STTRecord

/// The MCAP project's conformance cases, where they lie beside the repository.
@Suite struct ConformanceTests {
  static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/mcap-conformance/cases.json").standardizedFileURL
  static let isThere = FileManager.default.fileExists(atPath: file.path)

  @Test(
    "the records and summary of every case that a writer can be asked for, byte for byte",
    .enabled(if: isThere, "the MCAP conformance cases are not beside this repository"))
  func writer() throws {
    let root = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: Self.file)) as? [String: [String: Any]])
    var passed = 0
    for (name, entry) in root where entry["pad"] as? Bool == false {
      let content = try #require(entry["case"] as? [String: Any])
      let records = try #require(content["records"] as? [[String: Any]]).map(ConformanceRecord.init)
      let meta = content["meta"] as? [String: [String: [String]]]
      let bytes = conformanceFile(records, Set(meta?["variant"]?["features"] ?? []))
      var digest = RunningDigest()
      bytes.withUnsafeBytes { digest.update(RawSpan(_unsafeBytes: $0)) }
      let hash = digest.value.map { String(format: "%02x", $0) }.joined()
      #expect(bytes.count == entry["size"] as? Int, "\(name)")
      #expect(hash == entry["sha256"] as? String, "\(name)")
      passed += 1
      let (_, report) = try SampleFile.read(bytes)
      #expect(report.verdict == .intact, "\(name): \(report.damage?.description ?? "")")
      #expect(report.messageCount == (records.contains { $0.type == "Message" } ? 1 : 0), "\(name)")
    }
    #expect(passed > 100)
  }
}

/// One record of a case, whose numbers are texts.
struct ConformanceRecord {
  let type: String
  private let fields: [String: Any]

  init(_ json: [String: Any]) {
    type = json["type"] as? String ?? ""
    var fields: [String: Any] = [:]
    for pair in json["fields"] as? [[Any]] ?? [] {
      if let key = pair.first as? String { fields[key] = pair.last }
    }
    self.fields = fields
  }

  func text(_ key: String) -> String { fields[key] as? String ?? "" }
  func number<T: FixedWidthInteger>(_ key: String) -> T { T(text(key)) ?? 0 }
  func bytes(_ key: String) -> [UInt8] { (fields[key] as? [String] ?? []).compactMap { UInt8($0) } }
  func texts(_ key: String) -> [String: String] { fields[key] as? [String: String] ?? [:] }
}

/// What a writer makes of a case: its data records, everything else worked out here.
private func conformanceFile(_ records: [ConformanceRecord], _ features: Set<String>) -> [UInt8] {
  var file = ByteStore(capacity: 4096)
  var chunk = ByteStore(capacity: 4096)
  var summary = SegmentSummary()
  var times: [(time: UInt64, offset: UInt64)] = []
  let chunked = features.contains("ch")
  file.bytes(MCAP.magic)
  func put(_ body: (inout ByteStore) -> Void) { chunked ? body(&chunk) : body(&file) }
  let data = records.prefix { $0.type != "DataEnd" }
  for record in data {
    switch record.type {
    case "Header": file.header(profile: record.text("profile"), library: record.text("library"))
    case "Schema":
      let schema = RecordedSchema(
        id: record.number("id"), name: record.text("name"), encoding: record.text("encoding"), data: record.bytes("data"))
      summary.schemas.append(schema)
      put { $0.schema(schema) }
    case "Channel":
      let channel = RecordedChannel(
        id: record.number("id"), schema: record.number("schema_id"), topic: record.text("topic"),
        messageEncoding: record.text("message_encoding"), metadata: record.texts("metadata"))
      summary.channels.append(channel)
      while summary.messageCounts.count <= Int(channel.id) { summary.messageCounts.append(0) }
      put { $0.channel(channel) }
    case "Message":
      let logTime: UInt64 = record.number("log_time")
      times.append((logTime, UInt64(chunk.count)))
      record.bytes("data").withUnsafeBytes { payload in
        put {
          $0.message(
            channel: record.number("channel_id"), sequence: record.number("sequence"), logTime: logTime,
            publishTime: record.number("publish_time"), first: payload,
            second: UnsafeRawBufferPointer(start: nil, count: 0))
        }
      }
      summary.note(record.number("channel_id"), logTime)
    case "Attachment":
      let attachment = RecordedAttachment(
        logTime: record.number("log_time"), createTime: record.number("create_time"), name: record.text("name"),
        mediaType: record.text("media_type"), data: record.bytes("data"))
      let start = file.count
      file.attachment(attachment)
      summary.attachments.append(
        AttachmentIndexEntry(
          offset: UInt64(start), byteCount: UInt64(file.count - start), logTime: attachment.logTime,
          createTime: attachment.createTime, dataByteCount: UInt64(attachment.data.count), name: attachment.name,
          mediaType: attachment.mediaType))
    case "Metadata":
      let start = file.count
      file.metadata(name: record.text("name"), record.texts("metadata"))
      summary.metadata.append(
        MetadataIndexEntry(offset: UInt64(start), byteCount: UInt64(file.count - start), name: record.text("name")))
    default: Issue.record("a case has a record of type \(record.type)")
    }
  }
  if chunked { closeChunk(&file, chunk.unsafeBytes, times, &summary, indexed: features.contains("mx")) }
  var crc = CRC32()
  crc.update(unsafe: file.unsafeBytes)
  file.dataEnd(crc: crc.value)
  let parts: [String: SummaryParts] = [
    "rsh": .schemas, "rch": .channels, "st": .statistics, "chx": .chunkIndexes, "ax": .attachmentIndexes,
    "mdx": .metadataIndexes, "sum": .offsets,
  ]
  summary.write(into: &file, at: 0, SummaryParts(features.compactMap { parts[$0] }))
  return [UInt8](file.unsafeBytes)
}

private func closeChunk(
  _ file: inout ByteStore, _ records: UnsafeRawBufferPointer, _ times: [(time: UInt64, offset: UInt64)],
  _ summary: inout SegmentSummary, indexed: Bool
) {
  guard let channel = summary.channels.first?.id, records.count > 0 else { return }
  var crc = CRC32()
  crc.update(unsafe: records)
  let start = file.count
  let first = times.map(\.time).min() ?? 0
  let last = times.map(\.time).max() ?? 0
  let place = file.beginChunk(compression: "")
  let data = file.count
  file.bytes(records)
  file.endChunk(place, data: data, start: first, end: last, uncompressedByteCount: records.count, crc: crc.value)
  let end = file.count
  if indexed { file.messageIndex(channel: channel, times) }
  summary.chunks.append(
    ChunkIndexEntry(
      startTime: first, endTime: last, offset: UInt64(start), byteCount: UInt64(end - start),
      messageIndexOffsets: indexed ? [(channel, UInt64(end))] : [], messageIndexByteCount: UInt64(file.count - end),
      compression: "", compressedByteCount: UInt64(records.count), uncompressedByteCount: UInt64(records.count)))
}
