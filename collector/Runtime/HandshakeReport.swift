import STTJSON
import STTSession

extension JSONObject {
  /// What became of handshake datagrams, for `stt-collector status`.
  init(_ handshakes: HandshakeStatistics) {
    self.init()
    set("hellos", handshakes.hellos)
    set("proofs", handshakes.proofs)
    set("responses", handshakes.responses)
    set("retries", handshakes.retries)
    set("finals", handshakes.finals)
    set("x25519Operations", handshakes.agreements)
    set("mlkemOperations", handshakes.encapsulations)
    set("bytesReceived", handshakes.bytesReceived)
    set("bytesAnswered", handshakes.bytesAnswered)
    var dropped = JSONObject()
    for reason in ResponderHandshake.Rejection.allCases { dropped.set("\(reason)", handshakes.dropped(reason)) }
    set("dropped", dropped)
  }
}
