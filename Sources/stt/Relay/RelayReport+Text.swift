import STTImpairment
import STTJSON

extension RelayReport {
  /// A table for a person.
  var text: String {
    func row(_ name: String, _ values: [UInt64]) -> String {
      column(name, 26) + values.map { column("\($0)", 12, right: true) }.joined() + "\n"
    }
    func micro(_ nanoseconds: UInt64) -> String { rounded(Double(nanoseconds) / 1000, 0) + " µs" }
    let ways = [there, back]
    var text = column("datagrams", 26) + column("there", 12, right: true) + column("back", 12, right: true) + "\n"
    text += row("  received", ways.map(\.received))
    text += row("  lost by chance", ways.map(\.lost))
    text += row("  dropped by a full queue", ways.map(\.overflowed))
    text += row("  repeated", ways.map(\.repeated))
    text += row("  passed on", ways.map(\.forwarded))
    text += "callers: \(callers)\n"
    text +=
      "the relay's own harm: late by \(micro(lateness.mean)) on average, \(micro(lateness.percentile(99))) at 99 %, "
      + "\(micro(lateness.largest)) at most; \(overruns) arrivals found its socket full, \(refused) were refused by the "
      + "kernel, \(crowdedOut) found its memory full\n"
    return text
  }

  var json: JSONObject {
    var root = JSONObject()
    for (name, way) in [("there", there), ("back", back)] {
      var part = JSONObject()
      part.set("receivedDatagrams", way.received)
      part.set("receivedBytes", way.receivedBytes)
      part.set("lostDatagrams", way.lost)
      part.set("overflowedDatagrams", way.overflowed)
      part.set("repeatedDatagrams", way.repeated)
      part.set("forwardedDatagrams", way.forwarded)
      root.set(name, part)
    }
    root.set("callers", callers)
    root.set("meanLatenessMicroseconds", Double(lateness.mean) / 1000)
    root.set("lateness99PercentMicroseconds", Double(lateness.percentile(99)) / 1000)
    root.set("largestLatenessMicroseconds", Double(lateness.largest) / 1000)
    root.set("overrunArrivals", overruns)
    root.set("refusedDatagrams", refused)
    root.set("crowdedOutDatagrams", crowdedOut)
    root.set("cpuSeconds", Double(cpuNanoseconds) / 1e9)
    root.set("isRealTime", isRealTime)
    return root
  }
}
